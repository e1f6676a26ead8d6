import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

export interface TokenOptions {
  subject: string;
  /** The public id of the workspace. */
  workspace: string;
  issuer?: string;
  audience?: string;
  /** As jose reads it; five minutes unless told. */
  expires?: string | number;
  key?: CryptoKey;
  alg?: string;
  kid?: string;
}

export interface Issuer {
  /** The variables of a gateway that trusts it. */
  env: { JWT_JWKS_URL: string; JWT_ISSUER: string; JWT_AUDIENCE: string };
  /** What it publishes; a test may add to it. */
  jwks: { keys: JWK[] };
  /** While true it answers 500. */
  broken: boolean;
  token(options: TokenOptions): Promise<string>;
  stop(): void;
}

/** A sign-in service: a real HTTP server that publishes its keys and signs tokens. */
export async function startIssuer(): Promise<Issuer> {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }] };
  const server = createServer((_req, res) => {
    res
      .writeHead(issuer.broken ? 500 : 200, { 'content-type': 'application/json' })
      .end(JSON.stringify(jwks));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const env = {
    JWT_JWKS_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`,
    JWT_ISSUER: 'https://login.test/',
    JWT_AUDIENCE: 'frontdesk',
  };
  const issuer: Issuer = {
    env,
    jwks,
    broken: false,
    token: (options) =>
      new SignJWT({ frontdesk_workspace: options.workspace })
        .setProtectedHeader({ alg: options.alg ?? 'ES256', kid: options.kid ?? 'one' })
        .setSubject(options.subject)
        .setIssuer(options.issuer ?? env.JWT_ISSUER)
        .setAudience(options.audience ?? env.JWT_AUDIENCE)
        .setIssuedAt()
        .setExpirationTime(options.expires ?? '5m')
        .sign(options.key ?? privateKey),
    stop: () => void server.close(),
  };
  return issuer;
}
