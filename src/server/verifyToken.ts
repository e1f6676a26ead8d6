import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from 'jose';
import type { Logger } from 'pino';
import type { Clock } from '../core/clock.ts';
import type { Config } from '../core/config.ts';
import { Refused } from '../core/errors.ts';
import { uuidOf } from '../core/ids.ts';
import { expired, type Identity } from './callers.ts';

/** Public-key signatures only: a shared secret, or none, would let anybody who knows the JWKS sign. */
const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
/** For clocks that differ. An open stream outlives its token by this and the interval of its checks: under five seconds in all. */
const clockToleranceSeconds = 2;

export type VerifyToken = (token: string) => Promise<Identity>;

/** Checks sign-in tokens against the issuer's published keys, which are fetched when needed and kept. */
export function createVerifyToken(settings: Config['jwt'], clock: Clock, log: Logger): VerifyToken {
  if (!settings) {
    return async () => {
      throw new Refused(
        'UNAUTHENTICATED',
        'This server accepts no tokens: JWT_JWKS_URL is not set. Send an API key.',
      );
    };
  }
  const keys = createRemoteJWKSet(new URL(settings.jwksUrl), {
    timeoutDuration: 5_000,
    cooldownDuration: 10_000,
  });

  return async (token) => {
    const { payload } = await jwtVerify(token, keys, {
      issuer: settings.issuer,
      audience: settings.audience,
      algorithms,
      clockTolerance: clockToleranceSeconds,
      requiredClaims: ['sub', 'exp', 'frontdesk_workspace'],
      currentDate: clock.now(),
    }).catch((error: unknown) => {
      throw refusalFor(error, log);
    });
    return identityOf(payload);
  };
}

function identityOf(payload: JWTPayload): Identity {
  const { sub: subject, exp, frontdesk_workspace: workspace } = payload;
  const workspaceId = typeof workspace === 'string' ? uuidOf('Workspace', workspace) : null;
  if (!workspaceId || typeof subject !== 'string' || subject === '' || subject.includes('\0')) {
    throw new Refused(
      'UNAUTHENTICATED',
      'This token names no workspace and subject: it needs `sub` and `frontdesk_workspace`.',
    );
  }
  const expiresAt = new Date(((exp as number) + clockToleranceSeconds) * 1_000);
  return { kind: 'token', workspaceId, subject, expiresAt };
}

/** The caller's fault, or the issuer's: one means "sign in again", the other "try again". */
function refusalFor(error: unknown, log: Logger): Refused {
  if (error instanceof errors.JWTExpired) return expired('token');
  const issuersFault =
    !(error instanceof errors.JOSEError) ||
    error instanceof errors.JWKSTimeout ||
    error instanceof errors.JWKSInvalid ||
    error.code === errors.JOSEError.code;
  if (!issuersFault) return new Refused('UNAUTHENTICATED', 'This token is not valid here.');
  log.error({ error }, 'the keys of JWT_JWKS_URL cannot be read');
  return new Refused('UNAVAILABLE', 'Tokens cannot be checked at present; try again.');
}
