/** Who a device is: what it says of itself, and the stable address by which a profile can bind it. */
export interface DeviceIdentity {
  readonly vendor?: string;
  readonly model?: string;
  readonly serial?: string;
  readonly firmware?: string;
  /** A stable address: `/dev/serial/by-id/…`, a USB topology path, a GPIO chip label. Never `/dev/ttyUSB0`. */
  readonly address?: string;
}
