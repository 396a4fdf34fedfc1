import { parentPort, workerData } from 'node:worker_threads';
import { describeError, isCoded } from '#base/errors.ts';
import type { GalleryPlace } from './gallery-adopt.ts';
import { doGalleryJob, type GalleryDone, type GalleryJob, type StoreGalleryJob } from './gallery-work.ts';

/** What the thread is started with. */
export interface GalleryTask {
  readonly place: GalleryPlace;
  readonly job: GalleryJob | StoreGalleryJob;
}

/** What it says in the end. A failure without a code is one of the system's. */
export type GalleryTold =
  | ({ readonly kind: 'done' } & GalleryDone)
  | { readonly kind: 'failed'; readonly code: string | undefined; readonly message: string };

/** One job on a gallery's file, on a thread that ends with it: what a large gallery takes is free again then. */
async function run({ place, job }: GalleryTask): Promise<GalleryTold> {
  try {
    return { kind: 'done', ...(await doGalleryJob(place, job)) };
  } catch (error) {
    if (isCoded(error)) return { kind: 'failed', code: error.code, message: error.message };
    return { kind: 'failed', code: undefined, message: describeError(error) };
  }
}

if (parentPort !== null) parentPort.postMessage(await run(workerData));
