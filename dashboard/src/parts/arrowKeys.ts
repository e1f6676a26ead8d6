import type { KeyboardEvent } from 'react';

/** Arrow keys, Home and End go from row to row: from one `data-row` link to the next, by the numbers there if there are any. */
export function arrowKeys(event: KeyboardEvent<HTMLElement>): void {
  // A menu that belongs to a row stands elsewhere in the document, and has arrow keys of its own.
  if (!event.currentTarget.contains(event.target as Node)) return;
  const rows = [...event.currentTarget.querySelectorAll<HTMLElement>('[data-row]')].toSorted(
    (a, b) => Number(a.dataset.row) - Number(b.dataset.row),
  );
  const at = rows.indexOf(document.activeElement as HTMLElement);
  const to = {
    ArrowDown: Math.min(at + 1, rows.length - 1),
    ArrowUp: Math.max(at - 1, 0),
    Home: 0,
    End: rows.length - 1,
  }[event.key];
  if (to === undefined || rows.length === 0) return;
  event.preventDefault();
  rows[to]?.focus();
  rows[to]?.scrollIntoView({ block: 'nearest' });
}
