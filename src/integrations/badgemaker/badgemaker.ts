import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { Adapter } from '../adapter.ts';
import type { Inbound, SignUps } from '../capabilities.ts';

const prefix = 'whsec_';
const settings = z.strictObject({
  /** What it signs with; one is made when none is given. */
  signingSecret: z
    .string()
    .regex(/^whsec_[A-Za-z0-9+/]{32,}={0,2}$/, 'Must be whsec_ and 24 bytes or more in base64.'),
  /** What it signed with before: taken too, while the sender changes over. */
  previousSigningSecret: z
    .string()
    .regex(/^whsec_[A-Za-z0-9+/]{32,}={0,2}$/)
    .optional(),
  logRetentionDays: z.int().min(1).max(3_650).default(30),
});
type Settings = z.output<typeof settings>;

/** A signature this old, or this far ahead, may be somebody's recording. */
const toleranceMs = 5 * 60_000;

const signUps: SignUps<Settings> = {
  newSecret: () => prefix + randomBytes(32).toString('base64'),
  verify({ signingSecret, previousSigningSecret }, request) {
    const signatures = (request.header('webhook-signature') ?? '')
      .split(' ')
      .map((one) => one.split(',')[1] ?? '');
    const at = Number(request.header('webhook-timestamp')) * 1_000;
    if (!(Math.abs(request.receivedAt.getTime() - at) <= toleranceMs)) return false;
    const secrets = [signingSecret, previousSigningSecret].filter((one) => one !== undefined);
    return secrets.some((secret) => signatures.some((given) => same(given, signatureOf(secret, request))));
  },
  parse({ header, body }) {
    const messageId = header('webhook-id');
    if (!messageId || messageId.length > 255) return null;
    try {
      return { messageId, content: JSON.parse(body.toString('utf8')) };
    } catch {
      return null;
    }
  },
};

/** As https://www.standardwebhooks.com has it: HMAC-SHA256 of id, time and body. */
function signatureOf(secret: string, { header, body }: Inbound): Buffer {
  const key = Buffer.from(secret.slice(prefix.length), 'base64');
  return createHmac('sha256', key)
    .update(`${header('webhook-id')}.${header('webhook-timestamp')}.`)
    .update(body)
    .digest();
}

function same(given: string, expected: Buffer): boolean {
  const bytes = Buffer.from(given, 'base64');
  return bytes.length === expected.length && timingSafeEqual(bytes, expected);
}

/** Badge Maker, and whatever else signs its sign-ups in the same way. It is never called: there is nothing to check. */
export const badgemaker: Adapter<Settings> = {
  key: 'badgemaker',
  name: 'Badge Maker',
  settings,
  secrets: ['signingSecret', 'previousSigningSecret'],
  spacingMs: () => 0,
  check: async ({ settings }) => ({
    // Two sources with one secret would be one source.
    id: `badgemaker ${createHmac('sha256', settings.signingSecret).update('account').digest('hex').slice(0, 16)}`,
    name: 'Badge Maker',
  }),
  can: { signUps },
};
