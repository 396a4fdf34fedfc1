import type { OwnKey } from './keys.ts';

const databaseName = 'cartwright-console';
const tableName = 'keys';

/** The key of this store, or undefined. */
export async function loadKey(store: string): Promise<OwnKey | undefined> {
  return (await inTable('readonly', (table) => table.get(store))) as OwnKey | undefined;
}

export async function keepKey(key: OwnKey): Promise<void> {
  await inTable('readwrite', (table) => table.put(key, key.store));
  // Asked for, not insisted on: browsers clear what sites keep when room gets short.
  await navigator.storage?.persist?.().catch(() => false);
}

export async function forgetKey(store: string): Promise<void> {
  await inTable('readwrite', (table) => table.delete(store));
}

function inTable<Result>(
  mode: IDBTransactionMode,
  work: (table: IDBObjectStore) => IDBRequest<Result>,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(databaseName, 1);
    opening.onupgradeneeded = () => void opening.result.createObjectStore(tableName);
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const transaction = opening.result.transaction(tableName, mode);
      const request = work(transaction.objectStore(tableName));
      transaction.oncomplete = () => {
        opening.result.close();
        resolve(request.result);
      };
      transaction.onerror = () => reject(transaction.error);
    };
  });
}
