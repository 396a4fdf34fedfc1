import { execFile } from 'node:child_process';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import anyTest from 'ava';
import fc from 'fast-check';
import * as gpio from '#drivers/ports/gpio.ts';
import * as i2c from '#drivers/ports/i2c-dev.ts';
import * as input from '#drivers/ports/input.ts';
import { type Ioctl, machineIoctl } from '#drivers/ports/ioctl.ts';
import { readWhenReady } from '#drivers/ports/readiness.ts';
import { tiocexcl } from '#drivers/ports/serial.ts';
import * as smbus from '#drivers/ports/smbus.ts';
import { needs } from '../tools.ts';

const run = promisify(execFile);
const runs = Number(process.env.CARTWRIGHT_FUZZ_RUNS ?? 20_000);
const folder = await mkdtemp(join(tmpdir(), 'kernel-abi-'));
anyTest.after.always(() => rm(folder, { recursive: true, force: true }));

/** Prints numbers as the kernel's own headers have them, and structures that are filled by their members' names. */
const program = String.raw`
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/gpio.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <linux/input.h>
#define SAY(name, value) printf("%s %llu\n", name, (unsigned long long)(value))
static void dump(const char *name, const void *data, size_t bytes) {
  printf("%s ", name);
  for (size_t i = 0; i < bytes; i++) printf("%02x", ((const unsigned char *)data)[i]);
  printf("\n");
}
int main(void) {
  SAY("eviocgrab", EVIOCGRAB);
  SAY("eviocsclockid", EVIOCSCLOCKID);
  SAY("eventBytes", sizeof(struct input_event));
  SAY("i2cRdwr", I2C_RDWR);
  SAY("i2cFuncs", I2C_FUNCS);
  SAY("plainI2c", I2C_FUNC_I2C);
  SAY("i2cSlave", I2C_SLAVE);
  SAY("i2cSmbus", I2C_SMBUS);
  SAY("smbusCallBytes", sizeof(struct i2c_smbus_ioctl_data));
  SAY("smbusDataBytes", sizeof(union i2c_smbus_data));
  SAY("messageBytes", sizeof(struct i2c_msg));
  SAY("transferBytes", sizeof(struct i2c_rdwr_ioctl_data));
  SAY("gpioGetChipinfo", GPIO_GET_CHIPINFO_IOCTL);
  SAY("gpioV2GetLine", GPIO_V2_GET_LINE_IOCTL);
  SAY("gpioV2SetValues", GPIO_V2_LINE_SET_VALUES_IOCTL);
  SAY("chipinfoBytes", sizeof(struct gpiochip_info));
  SAY("chipinfoLabel", offsetof(struct gpiochip_info, label));
  SAY("lineRequestBytes", sizeof(struct gpio_v2_line_request));
  SAY("lineValuesBytes", sizeof(struct gpio_v2_line_values));
  SAY("fd", offsetof(struct gpio_v2_line_request, fd));
  SAY("tiocexcl", TIOCEXCL);

  struct gpio_v2_line_request request;
  memset(&request, 0, sizeof request);
  request.offsets[0] = 17;
  request.offsets[1] = 4;
  request.offsets[2] = 300;
  strcpy(request.consumer, "cartwright");
  request.num_lines = 3;
  request.config.flags = GPIO_V2_LINE_FLAG_OUTPUT;
  dump("plain", &request, sizeof request);
  request.config.num_attrs = 1;
  request.config.attrs[0].attr.id = GPIO_V2_LINE_ATTR_ID_FLAGS;
  request.config.attrs[0].attr.flags = GPIO_V2_LINE_FLAG_OUTPUT | GPIO_V2_LINE_FLAG_ACTIVE_LOW;
  request.config.attrs[0].mask = 1 << 1;
  dump("activeLow", &request, sizeof request);
  struct gpio_v2_line_values values = {.bits = 5, .mask = 7};
  dump("values", &values, sizeof values);

  struct i2c_msg messages[2];
  memset(messages, 0, sizeof messages);
  messages[0].addr = 0x2a;
  messages[0].len = 2;
  messages[0].buf = (void *)0x1122334455667788;
  messages[1].addr = 0x2a;
  messages[1].flags = I2C_M_RD;
  messages[1].len = 3;
  messages[1].buf = (void *)0x99aabbcc;
  dump("messages", messages, sizeof messages);
  struct i2c_rdwr_ioctl_data transfer;
  memset(&transfer, 0, sizeof transfer);
  transfer.msgs = (void *)0x7700;
  transfer.nmsgs = 2;
  dump("transfer", &transfer, sizeof transfer);

  union i2c_smbus_data data;
  memset(&data, 0, sizeof data);
  data.block[0] = 3;
  dump("blockData", &data, sizeof data);
  struct i2c_smbus_ioctl_data call;
  memset(&call, 0, sizeof call);
  call.read_write = I2C_SMBUS_READ;
  call.command = 0x12;
  call.size = I2C_SMBUS_I2C_BLOCK_DATA;
  call.data = (void *)0x7700;
  dump("blockRead", &call, sizeof call);
  call.read_write = I2C_SMBUS_WRITE;
  call.size = I2C_SMBUS_BYTE_DATA;
  dump("byteWrite", &call, sizeof call);
  call.size = I2C_SMBUS_BYTE;
  dump("byteSend", &call, sizeof call);
  call.command = 0;
  call.size = I2C_SMBUS_QUICK;
  dump("quick", &call, sizeof call);

  struct input_event event;
  memset(&event, 0, sizeof event);
  event.input_event_sec = 4000000000;
  event.input_event_usec = 999999;
  event.type = EV_KEY;
  event.code = KEY_F24;
  event.value = -2;
  dump("event", &event, sizeof event);
  return 0;
}
`;

const request = { chip: 'it', lines: [{ offset: 17 }, { offset: 4 }, { offset: 300 }] };

needs(anyTest, 'gcc')("calls and structures are those of this kernel's headers", async (t) => {
  const source = join(folder, 'abi.c');
  await writeFile(source, program);
  await run('gcc', ['-Wall', '-Werror', '-o', join(folder, 'abi'), source]);
  const { stdout } = await run(join(folder, 'abi'));
  const said = new Map(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' ') as [string, string]),
  );
  const number = (name: string) => Number(said.get(name));
  const hex = (data: Uint8Array) => Buffer.from(data).toString('hex');
  for (const [name, value] of Object.entries({ ...input, ...i2c, ...smbus, ...gpio, tiocexcl })) {
    if (typeof value === 'number') t.is(value, number(name), name);
  }
  t.true(said.has('eviocgrab') && said.has('tiocexcl'));
  t.is(number('chipinfoLabel'), 32);
  t.is(gpio.requestAt.fd, number('fd'));
  t.is(hex(gpio.encodeLineRequest(request, 'cartwright')), said.get('plain') ?? '');
  const low = { ...request, lines: request.lines.map((line, i) => ({ ...line, activeLow: i === 1 })) };
  t.is(hex(gpio.encodeLineRequest(low, 'cartwright')), said.get('activeLow') ?? '');
  t.is(hex(gpio.encodeLineValues([true, false, true])), said.get('values') ?? '');

  const write = Uint8Array.of(1, 2);
  const read = new Uint8Array(3);
  const places = new Map<Uint8Array, bigint>([
    [write, 0x1122334455667788n],
    [read, 0x99aabbccn],
  ]);
  const encoded = i2c.encodeTransfer(0x2a, write, read, (data) => places.get(data) ?? 0x7700n);
  t.is(hex(encoded.messages), said.get('messages') ?? '');
  t.is(hex(encoded.transfer), said.get('transfer') ?? '');
  const smbusCall = (bytes: readonly number[], readBytes: number) => {
    const call = smbus.smbusCall(Uint8Array.from(bytes), readBytes);
    if (call === undefined) throw new Error('SMBus has such a call');
    return { call: hex(smbus.encodeSmbusCall(call, () => 0x7700n)), data: hex(call.data) };
  };
  t.deepEqual(smbusCall([0x12], 3), { call: said.get('blockRead') ?? '', data: said.get('blockData') ?? '' });
  t.is(smbusCall([0x12, 5], 0).call, said.get('byteWrite') ?? '');
  t.is(smbusCall([0x12], 0).call, said.get('byteSend') ?? '');
  t.is(smbusCall([], 0).call, said.get('quick') ?? '');
  const event = Buffer.from(said.get('event') ?? '', 'hex');
  t.deepEqual(input.decodeEvents(event), [
    { event: { type: 1, code: 194, value: -2 }, kernelUs: 4_000_000_000_999_999 },
  ]);
});

anyTest('a transfer that only writes, only reads, or only asks has one message', (t) => {
  const messages = (write: number, read: number) => {
    const { transfer, messages } = i2c.encodeTransfer(
      0x50,
      new Uint8Array(write),
      new Uint8Array(read),
      () => 1n,
    );
    return [
      transfer.readUInt32LE(8),
      ...Array.from({ length: messages.length / 16 }, (_, i) => messages.readUInt16LE(i * 16 + 2)),
    ];
  };
  t.deepEqual(messages(1, 0), [1, 0]);
  t.deepEqual(messages(0, 1), [1, 1]);
  t.deepEqual(messages(0, 0), [1, 0]);
  t.deepEqual(messages(2, 6), [2, 0, 1]);
});

anyTest(
  'an adapter that knows SMBus only is asked for what is the same on the wire, or not at all',
  async (t) => {
    const asked: { request: number; value: number | string }[] = [];
    const chip = Uint8Array.of(0xa0, 0xa1, 0xa2);
    const fake: Ioctl = {
      buffer: () => 0,
      bufferAsync: async (_fd, request, data, [held]) => {
        asked.push({ request, value: Buffer.from(data.subarray(0, 8)).toString('hex') });
        if (held !== undefined && data[0] === 1)
          held.set(data[4] === 8 ? chip : [0x5a], data[4] === 8 ? 1 : 0);
        return 0;
      },
      value: (_fd, request, value) => void asked.push({ request, value }),
      tryValue: () => true,
      addressOf: () => 0n,
    };
    const transfer = (write: number[], readBytes: number) =>
      smbus.smbusTransfer(fake, 9, 0x2a, Uint8Array.from(write), readBytes);
    t.deepEqual([...(await transfer([0x12], 3))], [...chip]);
    t.deepEqual(asked, [
      { request: smbus.i2cSlave, value: 0x2a },
      { request: smbus.i2cSmbus, value: '0112000008000000' },
    ]);
    t.deepEqual([...(await transfer([0x12], 1))], [0x5a]);
    t.deepEqual([...(await transfer([0x12, 1, 2], 0))], []);
    asked.length = 0;
    for (const [write, readBytes] of [
      [[], 2],
      [[0x12], 33],
      [[0x12, 0x34], 1],
      [Array.from({ length: 34 }, () => 0), 0],
    ] as const) {
      await t.throwsAsync(transfer([...write], readBytes), { code: 'CW-DRV-020', message: /SMBus only/ });
    }
    t.deepEqual(asked, [], 'nothing was put on the wire');
  },
);

anyTest('64 lines fit a request, values fill their mask', (t) => {
  const values = gpio.encodeLineValues(Array.from({ length: 64 }, (_, i) => i === 63));
  t.is(values.readBigUInt64LE(0), 1n << 63n);
  t.is(values.readBigUInt64LE(8), (1n << 64n) - 1n);
});

anyTest('any bytes are read as whole input events', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const events = input.decodeEvents(bytes);
      return (
        events.length === Math.floor(bytes.length / 24) &&
        events.every(({ kernelUs }) => !Number.isNaN(kernelUs))
      );
    }),
    { seed: 11, numRuns: runs },
  );
  t.pass();
});

async function fifo(name: string): Promise<string> {
  const path = join(folder, name);
  await run('mkfifo', [path]);
  return path;
}

anyTest(
  'ioctl fills buffers, on this thread and on another, and fails with the name of the error',
  async (t) => {
    const fionread = 0x541b;
    const fd = openSync(await fifo('counted'), constants.O_RDWR | constants.O_NONBLOCK);
    t.teardown(() => closeSync(fd));
    writeSync(fd, 'seven b');
    const ioctl = await machineIoctl();
    const count = Buffer.alloc(4);
    ioctl.buffer(fd, fionread, count);
    t.is(count.readInt32LE(), 7);
    count.fill(0);
    await ioctl.bufferAsync(fd, fionread, count, []);
    t.is(count.readInt32LE(), 7);
    t.throws(() => ioctl.buffer(9999, fionread, count), { code: 'EBADF' });
    t.throws(() => ioctl.value(fd, input.eviocgrab, 1), { code: 'ENOTTY' });
    t.false(ioctl.tryValue(fd, input.eviocgrab, 1));
    await t.throwsAsync(ioctl.bufferAsync(9999, fionread, count, []), { code: 'EBADF' });
    const failures = Array.from({ length: 50 }, (_, i) =>
      ioctl
        .bufferAsync(i % 2 === 0 ? 9999 : fd, i % 2 === 0 ? fionread : input.eviocgrab, count, [])
        .catch((error: NodeJS.ErrnoException) => error.code),
    );
    t.deepEqual(new Set((await Promise.all(failures)).filter((_, i) => i % 2 === 0)), new Set(['EBADF']));
  },
);

/** A poll whose readiness is told by hand. */
class HandPoller {
  listener: ((error: Error | null) => void) | undefined;
  once(_event: 'readable' | 'writable', listener: (error: Error | null) => void): void {
    this.listener = listener;
  }
  stop(): void {}
  ready(): void {
    const { listener } = this;
    this.listener = undefined;
    listener?.(null);
  }
}

async function reader(name: string, chunkBytes: number) {
  const path = await fifo(name);
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  const poller = new HandPoller();
  const got: number[] = [];
  const ends: (Error | undefined)[] = [];
  const stop = readWhenReady({
    fd,
    poller,
    chunkBytes,
    onData: (bytes) => got.push(...bytes),
    onEnd: (cause) => ends.push(cause),
  });
  return { fd, writer, poller, got, ends, stop };
}

anyTest(
  'what is read comes whole and in order, a bounded part of it in each turn, until the other end hangs up',
  async (t) => {
    const { fd, writer, poller, got, ends } = await reader('read', 100);
    const sent = Array.from({ length: 10_000 }, (_, i) => i % 251);
    writeSync(writer, Uint8Array.from(sent));
    poller.ready();
    t.is(got.length, 1600, 'other devices get their turn');
    for (let i = 0; i < 10; i++) poller.ready();
    t.deepEqual(got, sent);
    t.deepEqual(ends, []);
    closeSync(writer);
    poller.ready();
    t.deepEqual(ends, [undefined]);
    t.is(poller.listener, undefined, 'nothing is waited for any more');
    closeSync(fd);
  },
);

anyTest('a reader that was stopped, even by what it read, reads no more', async (t) => {
  const { fd, writer, poller, got, ends, stop } = await reader('stopped', 10);
  writeSync(writer, 'a'.repeat(25));
  stop();
  poller.ready();
  t.deepEqual([got.length, ends.length], [0, 0]);
  closeSync(writer);
  closeSync(fd);
});

anyTest('an error of the device ends the reading with its cause', async (t) => {
  const { fd, writer, poller, ends } = await reader('failing', 10);
  closeSync(fd);
  poller.ready();
  t.like(ends, [{ code: 'EBADF' }]);
  closeSync(writer);
});
