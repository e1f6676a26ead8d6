import { Refused } from '../core/errors.ts';

type Headers = Record<string, string | string[] | undefined>;

/** What the caller sent to say who they are; null when nothing. Refuses what is malformed. */
export function credentialOf(headers: Headers): string | null {
  const authorization = headers.authorization;
  const key = headers['x-api-key'];
  if (authorization !== undefined && key !== undefined)
    throw malformed('Send one credential: either Authorization or X-API-Key.');
  if (key !== undefined) {
    if (typeof key !== 'string' || !readable(key)) throw malformed('X-API-Key must be an API key.');
    return key;
  }
  if (authorization === undefined) return null;
  const match = /^Bearer +(.+)$/i.exec(String(authorization).trim());
  if (!match?.[1] || !readable(match[1]))
    throw malformed('Authorization must be `Bearer <API key or token>`.');
  return match[1];
}

/** The same from the parameters that a WebSocket client sends first: `authorization`, with or without `Bearer`. */
export function credentialOfParams(params: Record<string, unknown> | undefined): string | null {
  const given = params?.authorization ?? params?.Authorization;
  if (given === undefined || given === null || given === '') return null;
  const credential = typeof given === 'string' ? given.trim().replace(/^Bearer +/i, '') : '';
  if (!readable(credential))
    throw malformed('connectionParams.authorization must be `Bearer <API key or token>`.');
  return credential;
}

/** Printable and of bounded length: what no key or token is never reaches the database. */
function readable(text: string): boolean {
  return /^[\x21-\x7e]{1,8192}$/.test(text);
}

function malformed(message: string): Refused {
  return new Refused('UNAUTHENTICATED', message);
}
