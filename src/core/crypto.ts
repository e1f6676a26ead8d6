import { hash, randomBytes } from 'node:crypto';

/** How many characters of an API key are kept to recognise it by. */
const prefixLength = 12;

/** A new API key: `fd_` and 32 random bytes. Shown once; only `hash` and `prefix` are stored. */
export function newApiKey(): string {
  return `fd_${randomBytes(32).toString('base64url')}`;
}

/** What is stored of a key. The key has 256 random bits, so a plain SHA-256 cannot be searched backwards. */
export function apiKeyParts(key: string): { hash: string; prefix: string } {
  return { hash: hashOf(key), prefix: key.slice(0, prefixLength) };
}

/** SHA-256, hexadecimal. */
export function hashOf(text: string): string {
  return hash('sha256', text, 'hex');
}
