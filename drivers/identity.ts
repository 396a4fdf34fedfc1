/** Who a device is: what it says of itself, and the stable address by which a profile can bind it. */
export interface DeviceIdentity {
  readonly vendor?: string;
  readonly model?: string;
  readonly serial?: string;
  readonly firmware?: string;
  /** USB vendor and product id of the opened device, `0c2e:0b61`: by these, drivers tell what a model does differently. */
  readonly usbId?: string;
  /** A stable address: `/dev/serial/by-id/…`, a USB topology path, a GPIO chip label. Never `/dev/ttyUSB0`. */
  readonly address?: string;
}
