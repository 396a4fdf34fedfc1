import { SystemCallError } from './ioctl.ts';

const protectRead = 1;
const protectWrite = 2;
const mapShared = 1;

/** Memory of a device that is mapped into this process. */
export interface Mapped {
  readonly bytes: number;
  /** The memory itself; empty once it was given back. */
  readonly data: Uint8Array;
  /** Idempotent. */
  unmap(): void;
}

/** mmap(2) of the C library. Throws SystemCallError where the kernel refuses. */
export type MapMemory = (fd: number, offset: number, bytes: number) => Mapped;

let loaded: Promise<MapMemory> | undefined;

/** The machine's mmap; the library that calls it is loaded when it is first needed. */
export function machineMemory(): Promise<MapMemory> {
  loaded ??= load();
  return loaded;
}

type Address = number | bigint;

async function load(): Promise<MapMemory> {
  const { default: koffi } = await import('koffi');
  const library = koffi.load(null);
  const map = library.func('mmap', 'intptr_t', ['uintptr_t', 'size_t', 'int', 'int', 'int', 'long']) as (
    ...args: [near: number, bytes: number, protection: number, flags: number, fd: number, offset: number]
  ) => Address;
  const unmap = library.func('munmap', 'int', ['intptr_t', 'size_t']) as (
    address: Address,
    bytes: number,
  ) => number;
  return (fd, offset, bytes) => {
    const address = map(0, bytes, protectRead | protectWrite, mapShared, fd, offset);
    if (address === -1 || address === -1n) throw new SystemCallError('mmap', koffi.errno());
    const memory = koffi.view(address, bytes);
    return {
      bytes,
      data: new Uint8Array(memory),
      unmap: () => {
        if (memory.detached) return;
        // Whoever still has it must find nothing there: reading where nothing is mapped would end the process.
        memory.transfer(0);
        unmap(address, bytes);
      },
    };
  };
}
