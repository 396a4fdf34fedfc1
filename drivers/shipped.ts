import type { Driver } from './driver.ts';

/**
 * The drivers that come with the gateway, by name, in the order in which they are listed. Each is loaded when it is
 * asked for: a cart has a handful of them, and on a small computer every module counts when it starts.
 */
export const shippedDrivers: Readonly<Record<string, () => Promise<Driver>>> = {
  'virtual-world': async () => (await import('./virtual/world.ts')).virtualWorld,
  'virtual-load-cells': async () => (await import('./virtual/load-cells.ts')).virtualLoadCells,
  'virtual-microcontroller': async () =>
    (await import('./virtual/microcontroller/driver.ts')).virtualMicrocontroller,
  'virtual-scanner': async () => (await import('./virtual/scanner.ts')).virtualScanner,
  'virtual-camera': async () => (await import('./virtual/camera.ts')).virtualCamera,
  'virtual-motion': async () => (await import('./virtual/motion.ts')).virtualMotion,
  'virtual-temperature': async () => (await import('./virtual/temperature.ts')).virtualTemperature,
  'firmata-hx711': async () => (await import('./load-cell/firmata-hx711/driver.ts')).firmataHx711,
  'hid-pos-scanner': async () => (await import('./scanner/hid-pos-scanner.ts')).hidPosScanner,
  'evdev-keyboard': async () => (await import('./scanner/evdev-keyboard.ts')).evdevKeyboard,
  'serial-scanner': async () => (await import('./scanner/serial-scanner.ts')).serialScanner,
  'ssi-scanner': async () => (await import('./scanner/ssi-scanner.ts')).ssiScanner,
  'hid-scale': async () => (await import('./scale/hid-scale.ts')).hidScale,
  'toledo-8217': async () => (await import('./scale/toledo-8217.ts')).toledo8217,
  'mt-sics': async () => (await import('./scale/mt-sics.ts')).mtSics,
  'scp-01': async () => (await import('./scale/scp-01.ts')).scp01,
  cas: async () => (await import('./scale/cas.ts')).cas,
  nau7802: async () => (await import('./load-cell/nau7802.ts')).nau7802,
  'iio-hx711': async () => (await import('./load-cell/iio-hx711.ts')).iioHx711,
  mpu6050: async () => (await import('./motion/mpu6050.ts')).mpu6050,
  lsm6ds: async () => (await import('./motion/lsm6ds.ts')).lsm6ds,
  'iio-accelerometer': async () => (await import('./motion/iio-accelerometer.ts')).iioAccelerometer,
  'linux-power-supply': async () => (await import('./power/linux-power-supply.ts')).linuxPowerSupply,
  ina219: async () => (await import('./power/ina219.ts')).ina219,
  'hwmon-temperature': async () => (await import('./temperature/hwmon-temperature.ts')).hwmonTemperature,
  'gpio-indicator': async () => (await import('./indicator/gpio-indicator.ts')).gpioIndicator,
  v4l2: async () => (await import('./camera/v4l2.ts')).v4l2,
  libcamera: async () => (await import('./camera/libcamera.ts')).libcamera,
  files: async () => (await import('./camera/files.ts')).files,
  'llrp-reader': async () => (await import('./tag-reader/llrp/llrp-reader.ts')).llrpReader,
};
