import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { Refused } from './errors.ts';

/** Keeps what must be read again, such as the API key of an outside system, so that a dump of the database does not tell it. */
export interface Vault {
  /** @param place where it will stand, such as a row's id: put somewhere else, it does not open. */
  seal(text: string, place: string): string;
  open(sealed: string, place: string): string;
  /** Sealed with another key than the present one: seal it again before that key goes. */
  stale(sealed: string): boolean;
}

interface Key {
  /** Says which key it was, without saying anything about the key. */
  id: string;
  bytes: Buffer;
}

/** AES-256-GCM with a key from the secret. What the previous secret sealed still opens. */
export function createVault(secret: string, previous: string | null = null): Vault {
  const current = keyOf(secret);
  const keys = [current, ...(previous ? [keyOf(previous)] : [])];
  return {
    seal(text, place) {
      const iv = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', current.bytes, iv).setAAD(Buffer.from(place));
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return [
        current.id,
        ...[iv, cipher.getAuthTag(), sealed].map((part) => part.toString('base64url')),
      ].join('.');
    },
    open(sealed, place) {
      const [id, ...parts] = sealed.split('.');
      const key = keys.find((one) => one.id === id);
      if (!key) throw unreadable(id);
      const [iv, tag, text] = parts.map((part) => Buffer.from(part, 'base64url')) as [Buffer, Buffer, Buffer];
      const decipher = createDecipheriv('aes-256-gcm', key.bytes, iv)
        .setAAD(Buffer.from(place))
        .setAuthTag(tag);
      return decipher.update(text, undefined, 'utf8') + decipher.final('utf8');
    },
    stale: (sealed) => !sealed.startsWith(`${current.id}.`),
  };
}

const unreadable = (id: string | undefined) =>
  new Refused(
    'UNAVAILABLE',
    `A stored credential was encrypted with another secret (key ${id}): set FRONTDESK_SECRET_PREVIOUS, or enter it again.`,
  );

function keyOf(secret: string): Key {
  const derive = (what: string, length: number) =>
    Buffer.from(hkdfSync('sha256', secret, 'frontdesk vault', what, length));
  return { id: derive('id', 4).toString('hex'), bytes: derive('key', 32) };
}
