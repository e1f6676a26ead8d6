import { randomFillSync } from 'node:crypto';

const letters = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ';
const length = 10;
/** Asking for many random bytes takes hardly longer than asking for ten. */
const pool = Buffer.alloc(length * 500);
let used = pool.length;

/** Ten letters and digits that are not mistaken for each other: `7KQ2M-XW9FA`. 50 random bits, checked by a unique index. */
export function newReference(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  let code = '';
  // There are 32 letters, so none comes more often than others.
  for (const byte of pool.subarray(used, used + length)) code += letters[byte & 31];
  used += length;
  return `${code.slice(0, 5)}-${code.slice(5)}`;
}
