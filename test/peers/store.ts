import { closeSync, existsSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';

export interface Row {
  id: string;
}

export interface Table<R extends Row> {
  get(id: string): R | undefined;
  /** In the order they were added, which is that of their ids. */
  all(): R[];
  by(index: string, key: string): R[];
  /** With the next id, which is never used again, not even after removal. */
  add(row: Omit<R, 'id'>): R;
  put(row: R): R;
  remove(id: string): void;
}

export interface Store {
  table<R extends Row>(name: string, indexes?: Record<string, (row: R) => string>): Table<R>;
  /** After the last table is named: reads what the file holds. */
  load(): void;
  close(): void;
}

/** Tables in memory. With a file, each change is a line of it before the call is answered, so kill -9 loses nothing. */
export function openStore(file?: string): Store {
  const apply = new Map<string, (id: string, row: Row | null) => void>();
  let journal: number | undefined;
  const write = (table: string, id: string, row: Row | null) => {
    if (journal !== undefined) writeSync(journal, `${JSON.stringify([table, id, row])}\n`);
  };

  return {
    table<R extends Row>(name: string, indexes: Record<string, (row: R) => string> = {}): Table<R> {
      const rows = new Map<string, R>();
      const found = Object.entries(indexes).map(([index, key]) => ({
        index,
        key,
        ids: new Map<string, Set<string>>(),
      }));
      let last = 0;
      const change = (id: string, row: R | null) => {
        const old = rows.get(id);
        for (const { key, ids } of found) {
          if (old) ids.get(key(old))?.delete(id);
          if (row) ids.set(key(row), (ids.get(key(row)) ?? new Set()).add(id));
        }
        if (row) rows.set(id, row);
        else rows.delete(id);
        last = Math.max(last, Number(id) || 0);
      };
      const put = (row: R) => {
        change(row.id, row);
        write(name, row.id, row);
        return row;
      };
      apply.set(name, (id, row) => change(id, row as R | null));
      return {
        get: (id) => rows.get(id),
        all: () => [...rows.values()],
        by(index, key) {
          const ids = found.find((one) => one.index === index)!.ids.get(key) ?? [];
          return [...ids].sort((a, b) => Number(a) - Number(b)).map((id) => rows.get(id)!);
        },
        add: (row) => put({ ...row, id: String(last + 1) } as R),
        put,
        remove(id) {
          if (!rows.has(id)) return;
          change(id, null);
          write(name, id, null);
        },
      };
    },
    load() {
      if (!file) return;
      const held = existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
      const whole = held.lastIndexOf('\n') + 1; // a line torn by a crash was never answered
      for (const line of held.subarray(0, whole).toString().split('\n')) {
        if (line === '') continue;
        const [table, id, row] = JSON.parse(line) as [string, string, Row | null];
        apply.get(table)?.(id, row);
      }
      journal = openSync(file, 'a');
      ftruncateSync(journal, whole);
    },
    close() {
      if (journal !== undefined) closeSync(journal);
      journal = undefined;
    },
  };
}
