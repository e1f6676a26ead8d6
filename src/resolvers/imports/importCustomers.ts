import type { Context } from '../../core/context.ts';
import type { Tx } from '../../core/database.ts';
import { newId } from '../../core/ids.ts';
import { recordAll } from '../../events/record.ts';
import { knownSince, type Wanted } from './readRow.ts';

interface Found {
  id: string;
  external_id: string | null;
  email: string | null;
  blocked: boolean;
}

/** The customers of these rows, found or made. A key that is missing from the answer could not be made. */
export async function importCustomers(ctx: Context, tx: Tx, rows: readonly Wanted[]) {
  const wanted = new Map<string, Wanted>();
  for (const row of rows) if (!wanted.has(row.customer.key)) wanted.set(row.customer.key, row);
  const keys = [...wanted.values()].map(({ customer }) => customer);
  const find = (): Promise<Found[]> => tx.$queryRaw`
    SELECT c.id, c.external_id, c.email, c.status = 'BLOCKED' AS blocked
    FROM json_to_recordset(${JSON.stringify(keys.map(({ externalId, email }) => ({ external: externalId, email })))}::json)
      AS k (external text, email text)
    JOIN customer c ON c.workspace_id = ${ctx.workspace.id}::uuid AND c.external_id = k.external
    UNION
    SELECT c.id, c.external_id, c.email, c.status = 'BLOCKED'
    FROM json_to_recordset(${JSON.stringify(keys.filter(({ email }) => email).map(({ email }) => ({ email })))}::json)
      AS k (email text)
    JOIN customer c ON c.workspace_id = ${ctx.workspace.id}::uuid AND c.email = k.email`;

  const match = (found: Found[]) => {
    const byExternalId = new Map(found.map((one) => [one.external_id, one]));
    const byEmail = new Map(found.map((one) => [one.email, one]));
    return (key: string): Found | 'taken' | null => {
      const { externalId, email } = (wanted.get(key) as Wanted).customer;
      const own = externalId ? byExternalId.get(externalId) : undefined;
      if (own) return own;
      const other = email ? byEmail.get(email) : undefined;
      if (!other) return null;
      return externalId && other.external_id && other.external_id !== externalId ? 'taken' : other;
    };
  };

  const of = new Map<string, { id: string; blocked: boolean }>();
  let found = await find();
  if (found.length > 0) {
    // Held as by the single verbs, or they could be erased meanwhile; those who were erased just now are not found again.
    await tx.$queryRaw`SELECT 1 FROM customer WHERE workspace_id = ${ctx.workspace.id}::uuid
      AND id = ANY(${found.map(({ id }) => id)}::uuid[]) ORDER BY id FOR NO KEY UPDATE`;
    found = await find();
  }
  const before = match(found);
  const missing: { id: string; key: string }[] = [];
  const byEmail = new Map<string, string>();
  const same = new Map<string, string>();
  for (const [key, { customer }] of wanted) {
    const known = before(key);
    const sharer = known || !customer.email ? undefined : byEmail.get(customer.email);
    if (known === 'taken' || (sharer && customer.externalId)) continue;
    if (known) of.set(key, known);
    else if (sharer) same.set(key, sharer);
    else missing.push({ id: newId(), key });
    if (customer.email && !sharer) byEmail.set(customer.email, key);
  }
  const created = new Set<string>();
  if (missing.length === 0) return { of, created };

  const now = ctx.clock.now();
  const made = missing.map(({ id, key }) => {
    const row = wanted.get(key) as Wanted;
    return { id, ...row.customer.columns, createdAt: knownSince(row, now) };
  });
  const [inserted] = await tx.$queryRaw<[{ ids: string[] }]>`
    WITH inserted AS (INSERT INTO customer (workspace_id, id, external_id, first_name, last_name, email, phone, company_name, job_title,
        website, avatar_url, born_on, country, time_zone, language, referral_source, source, status, lifecycle_stage,
        vip, do_not_contact, sort_name, search_text, created_at, updated_at)
      SELECT ${ctx.workspace.id}::uuid, id, "externalId", "firstName", "lastName", email, phone, "companyName", "jobTitle",
        website, "avatarUrl", "bornOn", country, "timeZone", language, "referralSource", source,
        coalesce(status, 'ACTIVE'), coalesce("lifecycleStage", 'NEW'), coalesce(vip, false), coalesce("doNotContact", false),
        "sortName", "searchText", "createdAt", ${now}
      FROM json_to_recordset(${JSON.stringify(made)}::json) AS r (id uuid, "externalId" text, "firstName" text,
        "lastName" text, email text, phone text, "companyName" text, "jobTitle" text, website text, "avatarUrl" text,
        "bornOn" date, country text, "timeZone" text, language text, "referralSource" text, source text,
        status customer_status, "lifecycleStage" lifecycle_stage, vip boolean, "doNotContact" boolean, "sortName" text,
        "searchText" text, "createdAt" timestamptz)
      ORDER BY "externalId", email -- So that two imports at once wait for each other in one order.
    ON CONFLICT DO NOTHING RETURNING id)
    SELECT coalesce(json_agg(id), '[]') AS ids FROM inserted`;
  for (const id of inserted.ids) created.add(id);
  for (const { id, key } of missing) if (created.has(id)) of.set(key, { id, blocked: false });
  if (created.size < missing.length) {
    // Somebody else made them a moment ago: a second statement sees what the first one waited for.
    const after = match(await find());
    for (const { key } of missing) {
      const known = of.has(key) ? null : after(key);
      if (known && known !== 'taken') of.set(key, known);
    }
  }
  for (const [key, sharer] of same) {
    const found = of.get(sharer);
    if (found) of.set(key, found);
  }
  await recordAll(
    ctx,
    tx,
    'customer.created',
    missing
      .filter(({ id }) => created.has(id))
      .map(({ id, key }) => {
        const row = wanted.get(key) as Wanted;
        return {
          subjectId: id,
          customerId: id,
          data: {},
          personal: { data: row.customer.personal },
          occurredAt: knownSince(row, now),
        };
      }),
  );
  return { of, created };
}
