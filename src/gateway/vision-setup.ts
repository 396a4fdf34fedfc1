import { usPerMinute, usPerSecond } from '#base/units.ts';
import type { Board, DeviceEntry } from '#config/board.ts';
import { findDriver } from '#drivers/registry.ts';
import type { PlateView, VisionSetup } from '#vision/process/messages.ts';
import { mostLooks } from '#vision/process/schemas.ts';
import type { GatewaySetup } from './setup.ts';

const megabyte = 1_048_576;

/**
 * Devices of a board whose driver is for cameras: they are opened in the vision process alone. A driver that can't be
 * found is none; whoever opens the device says so.
 */
export async function camerasOf(board: Board, driverPaths: readonly string[]): Promise<DeviceEntry[]> {
  const kinds = await Promise.all(
    board.devices.map(({ driver }) =>
      findDriver(driver, driverPaths).then(
        ({ kind }) => kind,
        () => undefined,
      ),
    ),
  );
  return board.devices.filter((_, index) => kinds[index] === 'camera');
}

/** What the vision process is told when it starts. @param recordings folder of a technician's recordings */
export function visionSetup(
  setup: GatewaySetup,
  cameras: readonly DeviceEntry[],
  recordings: string,
): VisionSetup {
  const { vision } = setup.config;
  return {
    devices: cameras.map(({ id, driver, options }) => ({ id, driver, options })),
    views: viewsOf(setup.board, cameras),
    driverPaths: setup.driverPaths,
    model: setup.modelFolder,
    looks: [...setup.catalogue.byLook.keys()].slice(0, mostLooks),
    gallery: setup.galleryPath,
    backend: vision.backend,
    threads: vision.threads,
    ringUs: vision.ringSeconds * usPerSecond,
    ringBytes: vision.ringMegabytes * megabyte,
    restPerSecond: vision.restPerSecond,
    watchPerSecond: vision.watchPerSecond,
    warmMilliCelsius: vision.warmMilliCelsius,
    recordings,
    keepRecordingUs: vision.recording.keepMinutes * usPerMinute,
    recordingBytes: vision.recording.megabytes * megabyte,
  };
}

/** A camera sees the plates that name it under `cameras`, and serves as a scanner those that name it under `scanners`. */
function viewsOf(board: Board, cameras: readonly DeviceEntry[]): PlateView[] {
  const isCamera = (id: string) => cameras.some((camera) => camera.id === id);
  return board.plates.flatMap((plate): PlateView[] => [
    ...plate.cameras
      .filter(({ id }) => isCamera(id))
      .map(({ id, region }) => ({ plate: plate.id, camera: id, region, purpose: 'things' as const })),
    ...plate.scanners
      .filter((id) => isCamera(id))
      .map((id) => ({ plate: plate.id, camera: id, purpose: 'codes' as const })),
  ]);
}
