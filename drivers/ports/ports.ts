import type { DriverError } from '../errors.ts';
import type { DeviceIdentity } from '../identity.ts';

/**
 * How drivers reach hardware, and the only way they do: the same driver then runs on a real port, on a simulated peer
 * (`drivers/virtual/`), on a recording of the very bytes, and under a recorder. Every port is opened by a stable
 * identity and ends in one of two ways: closed by the driver, or lost, which its listener hears once as a coded error.
 */
export interface Ports {
  /** A stream of bytes: a serial line, a TCP connection, or what a device of the profile (`bus`) offers. */
  bytes(request: ByteRequest): Promise<BytePort>;
  /** A USB or Bluetooth HID device: whole reports. */
  reports(request: ReportRequest): Promise<ReportPort>;
  /** An I²C bus: the board's through Firmata (`bus`), or the kernel's i2c-dev. */
  i2c(request: I2cRequest): Promise<I2cPort>;
  /** A Linux input device (evdev), grabbed: nobody else gets its events. */
  input(request: InputRequest): Promise<InputPort>;
  /** A folder of kernel attributes: sysfs (IIO, hwmon, power_supply). */
  attributes(request: AttributeRequest): Promise<AttributePort>;
  /** Output lines of a GPIO chip. */
  lines(request: LineRequest): Promise<LinePort>;
  /** A camera of the kernel's own interface (V4L2). */
  video(request: VideoRequest): Promise<VideoPort>;
  /** Another program as a child process: what it writes to its standard output. */
  program(request: ProgramRequest): Promise<ProgramPort>;
  /** Pictures in files, for cameras that only play them. */
  pictures(request: PictureRequest): Promise<PicturePort>;
  /** What is attached that `request` kinds could open, opened or not. For `discover` and `cartwright devices`. */
  list(kind: AttachedKind): Promise<readonly Attached[]>;
}

/**
 * Which of the attached devices is meant. All that is given must match; where several match, opening is refused with
 * CW-DRV-014, which lists them. Hexadecimal vendor and product ids have four lower-case digits.
 */
export interface UsbMatch {
  readonly vendorId?: string | undefined;
  readonly productId?: string | undefined;
  readonly serial?: string | undefined;
  /** Where it is plugged in, as the kernel writes it: `1-1.2`, or with the interface `1-1.2:1.0`. */
  readonly topology?: string | undefined;
}

export interface SerialMatch extends UsbMatch {
  /** A stable path, `/dev/serial/by-id/…`, `/dev/ttyAMA0` of a header, or a pty. */
  readonly path?: string | undefined;
}

export interface SerialSettings {
  readonly baudRate: number;
  readonly dataBits?: 7 | 8 | undefined;
  readonly parity?: 'none' | 'even' | 'odd' | undefined;
  readonly stopBits?: 1 | 2 | undefined;
  readonly flowControl?: 'none' | 'rts-cts' | 'xon-xoff' | undefined;
}

export type ByteRequest =
  | { readonly via: 'serial'; readonly match: SerialMatch; readonly settings: SerialSettings }
  | { readonly via: 'tcp'; readonly host: string; readonly port: number }
  | { readonly via: 'bus'; readonly bus: string };

export interface ReportRequest {
  readonly match: UsbMatch;
  /** HID usage page of the collection, `0x8c` for scanners, `0x8d` for scales. */
  readonly usagePage: number;
}

export type I2cRequest =
  | { readonly via: 'bus'; readonly bus: string }
  /** Number of the adapter, or its name as in /sys/class/i2c-adapter/…/name where numbers are not stable. */
  | { readonly via: 'linux'; readonly adapter: number | string };

export interface InputRequest {
  readonly match: UsbMatch & { readonly name?: string | undefined };
}

export interface AttributeRequest {
  readonly subsystem: 'iio' | 'hwmon' | 'power_supply';
  /** The `name` attribute (iio, hwmon) or the folder's name (power_supply), stable where numbers are not. */
  readonly name: string;
  /** Where several have the name: the device they belong to, as the kernel's folder is called (`1-0048`, `hx711@0`). */
  readonly parent?: string | undefined;
}

export interface LineRequest {
  /** Label of the chip, `pinctrl-rp1`, never `gpiochip4`. */
  readonly chip: string;
  readonly lines: readonly { readonly offset: number; readonly activeLow?: boolean | undefined }[];
}

export interface VideoMatch extends UsbMatch {
  /** A stable path: below /dev/v4l/by-id or /dev/v4l/by-path. */
  readonly path?: string | undefined;
  /** What the camera calls itself. */
  readonly name?: string | undefined;
}

export interface VideoRequest {
  readonly match: VideoMatch;
}

export interface ProgramRequest {
  /** Name of the program, looked for in PATH. */
  readonly program: string;
  readonly arguments: readonly string[];
  /** What to do where there is no such program: it ends the message of CW-DRV-004. */
  readonly install: string;
}

/** Exactly one of both. */
export interface PictureRequest {
  /** All pictures of a folder, by name. */
  readonly folder?: string | undefined;
  readonly files?: readonly string[] | undefined;
}

/** What comes of a port. `atUs` is the context's clock, taken as near to the kernel's delivery as possible. */
export interface PortListener<Data> {
  data(data: Data, atUs: number): void;
  /** The port is lost (CW-DRV-005 …): nothing more comes. Not called for an own `close`. */
  lost(error: DriverError): void;
}

export interface Port {
  readonly identity: DeviceIdentity;
  /** Idempotent; afterwards the device can be opened by others. */
  close(): Promise<void>;
}

export interface BytePort extends Port {
  /** Once. What came before is kept (up to 64 KiB) and given first. */
  listen(listener: PortListener<Uint8Array>): void;
  /** Resolves when the kernel has taken them; rejects with CW-DRV-005 where the port is gone. */
  write(bytes: Uint8Array): Promise<void>;
}

export interface ReportPort extends Port {
  /** Once. Reports start with their report id where the device uses ids. */
  listen(listener: PortListener<Uint8Array>): void;
  write(report: Uint8Array): Promise<void>;
  sendFeature(report: Uint8Array): Promise<void>;
  getFeature(reportId: number, bytes: number): Promise<Uint8Array>;
}

export interface I2cAnswer {
  readonly data: Uint8Array;
  readonly atUs: number;
}

export interface I2cPort extends Port {
  /**
   * Writes, then reads with a repeated start; either may be empty. Rejects with CW-DRV-013 where the chip does not
   * acknowledge, with CW-DRV-005 where the bus is gone.
   */
  transfer(address: number, write: Uint8Array, readBytes: number): Promise<I2cAnswer>;
  /** Once: hears that the bus itself is lost. */
  onLost(listener: (error: DriverError) => void): void;
}

/** A record of struct input_event: types and codes as in linux/input-event-codes.h. */
export interface InputEvent {
  readonly type: number;
  readonly code: number;
  readonly value: number;
}

export interface InputPort extends Port {
  /** Once. */
  listen(listener: PortListener<InputEvent>): void;
}

export interface AttributePort extends Port {
  /** An attribute's text without its line feed. Rejects with CW-DRV-005 where it is gone. */
  read(name: string): Promise<string>;
  write(name: string, text: string): Promise<void>;
  /** Names of the attributes. */
  list(): Promise<readonly string[]>;
}

export interface LinePort extends Port {
  /** Sets all requested lines at once, in the order of the request. */
  set(values: readonly boolean[]): Promise<void>;
}

/** A picture format of a camera: its four characters as in linux/videodev2.h (`YUYV`, `MJPG`), and the size in pixels. */
export interface VideoFormat {
  readonly pixelFormat: string;
  readonly width: number;
  readonly height: number;
}

/** What the camera agreed to, which may be another format than it was asked for. */
export interface VideoLayout extends VideoFormat {
  /** Distance of rows in bytes, of the first plane where there are several. */
  readonly bytesPerLine: number;
  /** Whether the values of YUV reach from 0 to 255, or from 16 to 235. */
  readonly range: 'limited' | 'full';
}

/** Sizes and rates that a camera has for one format. One size where `least` and `most` are the same. */
export interface VideoOffer {
  readonly pixelFormat: string;
  readonly least: readonly [width: number, height: number];
  readonly most: readonly [width: number, height: number];
  /** The highest; undefined where the camera does not say. */
  readonly framesPerSecond?: number | undefined;
}

export interface VideoControl {
  readonly name: string;
  readonly minimum: number;
  readonly maximum: number;
}

export interface VideoFrame {
  /** Lent for the call: the camera's own memory, which it writes the next frames into. Slow to read byte by byte on some. */
  readonly data: Uint8Array;
  /** Running number of the camera's frame, 32 bits: what is left out was lost or overtaken. */
  readonly sequence: number;
  /** The camera's driver says that it is damaged or incomplete. */
  readonly damaged: boolean;
}

export interface VideoPort extends Port {
  /** What it has of these pixel formats: a camera may list hundreds that nobody reads. */
  offers(pixelFormats: readonly string[]): Promise<readonly VideoOffer[]>;
  /** Resolves with what the camera made of it. Rejects with CW-DRV-003 where another program has it. */
  setFormat(format: VideoFormat): Promise<VideoLayout>;
  /** Resolves with the camera's rate; undefined where it has none to set. */
  setRate(framesPerSecond: number): Promise<number | undefined>;
  /** By number, as V4L2_CID_… of linux/v4l2-controls.h; undefined where the camera has none of this number. */
  control(id: number): Promise<VideoControl | undefined>;
  /** Resolves with the value that the camera says it has now. Rejects with CW-DRV-020 where it refuses. */
  setControl(id: number, value: number): Promise<number>;
  /** Once. Only the newest frame is given where several wait. */
  listen(listener: PortListener<VideoFrame>): void;
  /** Lets frames flow. Rejects with CW-DRV-003, CW-DRV-005 or CW-DRV-020. */
  begin(): Promise<void>;
}

export interface ProgramPort extends Port {
  /**
   * Once; nothing is read before, the program waits. What it writes is the listener's to keep. `lost` comes when it has
   * ended, however: `details.exitCode` and `details.signal` say how.
   */
  listen(listener: PortListener<Uint8Array>): void;
  /** The latest lines of its standard error, the oldest first. */
  messages(): readonly string[];
}

export interface PicturePort extends Port {
  /** In the order of the request, those of a folder as people count. */
  readonly names: readonly string[];
  /**
   * The file as it is now. At once, so that a picture that is due at an instant is shown at that instant, also in virtual
   * time. Throws CW-DRV-005 where it is gone or too big.
   */
  read(name: string): Uint8Array;
}

export type AttachedKind =
  | 'serial'
  | 'hid'
  | 'i2c'
  | 'input'
  | 'iio'
  | 'hwmon'
  | 'power_supply'
  | 'gpio'
  | 'video';

export interface Attached {
  readonly kind: AttachedKind;
  readonly identity: DeviceIdentity;
  /** Device node or folder, for people; it may change. */
  readonly node: string;
  readonly vendorId?: string;
  readonly productId?: string;
  readonly topology?: string;
  readonly usagePage?: number;
  /** The process that holds it, where one does and it can be seen. */
  readonly holder?: { readonly pid: number; readonly name: string };
  /** The udev rule that would give this user access, where permission is missing. */
  readonly missingRule?: string;
}

/** A device of the profile through which others are reached (kind `bus`, or a load-cell bridge with an I²C bus). */
export interface PortBus {
  /** A stream of bytes to whatever is behind it. Rejects with CW-DRV-005 where the device is gone. */
  openBytes?(): Promise<BytePort>;
  openI2c?(): Promise<I2cPort>;
}
