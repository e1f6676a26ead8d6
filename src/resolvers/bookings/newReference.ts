import { randomBytes } from 'node:crypto';

const letters = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ';

/** Ten letters and digits that are not mistaken for each other: `7KQ2M-XW9FA`. 50 random bits, checked by a unique index. */
export function newReference(): string {
  const code = Array.from(randomBytes(10), (byte) => letters[byte & 31]).join(''); // 32 letters: none more often than others.
  return `${code.slice(0, 5)}-${code.slice(5)}`;
}
