import { Client } from 'pg';
import type { Workspace } from '../../src/core/context.ts';
import { encodeId } from '../../src/core/ids.ts';

/**
 * A business of 50,000 customers with 53,000 bookings and 58,000 events, or of as many as are asked for, beside another
 * with 20,000 customers of the same names, made by SQL in seconds. Triggers are off and most indexes away meanwhile; what the triggers keep is filled in
 * here. Every value follows from the row's number, so that each run has the same rows.
 */

export interface BigBusiness {
  workspace: Workspace;
  /** A customer with 3,000 bookings, payments and events. */
  busyCustomer: string;
  /** A customer with one of each. */
  quietCustomer: string;
  /** Owner of 50 customers, spread over all ages. */
  ownerOfFew: string;
  /** Staff member with bookings of 45,000 customers. */
  staffOfMost: string;
  /** Users who own a twentieth each; one of them. */
  owner: string;
  teams: { big: string; small: string };
  tags: { big: string; small: string };
  segments: { big: string; small: string };
  services: { big: string; small: string };
  staff: { small: string };
  resources: { big: string; small: string };
  /** A booking with a payment. */
  booking: string;
  /** A sitting of a class with 500 bookings. */
  session: string;
  /** Of each type that has lists, the public id of the object whose lists are longest. */
  objects: Record<string, string>;
}

export interface Size {
  customers: number;
  /** Bookings of each customer; the busy one has 3,000 more. */
  bookings: number;
}

/** Made from a kind and a number, in the order of the number, so that ids sort as those of real rows do. */
export const uuid = (kind: string, n: number): string =>
  `${n.toString(16).padStart(8, '0')}-${kind.padEnd(4, '0')}-7000-8000-000000000000`;

const id = (kind: string, n: string) =>
  `(lpad(to_hex(${n}), 8, '0') || '-${kind.padEnd(4, '0')}-7000-8000-000000000000')::uuid`;

const firstNames = [
  'Ada',
  'Boris',
  'Chloé',
  'Dmitri',
  'Élodie',
  'Fatima',
  'Grace',
  'Hiro',
  'Inés',
  'Jörg',
  'Karin',
  'Liam',
  'Mei',
  'Noor',
  'Olga',
  'Pía',
  'Quentin',
  'Rosa',
  'Søren',
  'Tomás',
];
const lastNames = [
  'Andersson',
  'Becker',
  'Costa',
  'Dubois',
  'Eriksen',
  'Fischer',
  'García',
  'Hughes',
  'Ivanova',
  'Jansen',
  'Kowalski',
  'López',
  'Müller',
  'Nguyen',
  'Okafor',
  'Patel',
  'Quinn',
  'Rossi',
  'Schmidt',
  'Tanaka',
  'Ueda',
  'Vogel',
  'Weber',
  'Xu',
  'Yilmaz',
  'Zimmermann',
  'Ödegaard',
];

const array = (items: string[]) => `(ARRAY[${items.map((item) => `'${item}'`).join(',')}])`;

const workspace: Workspace = {
  id: uuid('aaaa', 1),
  name: 'Big',
  timeZone: 'Europe/Berlin',
  currency: 'EUR',
  country: 'DE',
};

export const bigBusiness: BigBusiness = {
  workspace,
  busyCustomer: uuid('7', 25_001),
  quietCustomer: uuid('7', 31_004),
  ownerOfFew: uuid('1', 1),
  owner: uuid('1', 5),
  staffOfMost: uuid('3', 1),
  teams: { big: uuid('2', 1), small: uuid('2', 2) },
  tags: { big: uuid('6', 1), small: uuid('6', 2) },
  segments: { big: uuid('d', 1), small: uuid('d', 2) },
  services: { big: uuid('5', 1), small: uuid('5', 2) },
  staff: { small: uuid('3', 2) },
  resources: { big: uuid('4', 1), small: uuid('4', 2) },
  booking: uuid('8', 50_000),
  session: uuid('c', 1),
  objects: {
    Customer: encodeId('Customer', uuid('7', 25_001)),
    StaffMember: encodeId('StaffMember', uuid('3', 1)),
    ClassSession: encodeId('ClassSession', uuid('c', 1)),
    Booking: encodeId('Booking', uuid('8', 50_000)),
    IntegrationConnection: encodeId('IntegrationConnection', uuid('e', 1)),
  },
};

/** A business of another size has the same people and things in it; the spans of time are the same. */
export async function loadBigBusiness(
  url: string,
  { customers, bookings }: Size = { customers: 50_000, bookings: 1 },
): Promise<void> {
  const other = uuid('aaaa', 2);
  const own = customers * bookings; // bookings but those that the busy customer has more
  const all = own + 3_000;
  const step = `(interval '61 minutes' * ${50_000 / customers})`; // between two new customers
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(
      withoutIndexes(`
      SET session_replication_role = replica; -- no triggers, no checks of foreign keys
      SET synchronous_commit = off;
      SET maintenance_work_mem = '256MB';
      INSERT INTO workspace (id, name, time_zone, currency, country, updated_at)
        VALUES ('${workspace.id}', 'Big', 'Europe/Berlin', 'EUR', 'DE', now()), ('${other}', 'Other', 'Europe/Berlin', 'EUR', 'DE', now());

      -- The second workspace has the same of everything, with higher numbers.
      CREATE TEMP TABLE w AS SELECT '${workspace.id}'::uuid AS ws, 0 AS offs UNION ALL SELECT '${other}', 1000000000;

      INSERT INTO "user" (id, workspace_id, email, display_name, role, updated_at)
        SELECT ${id('1', 'n + offs')}, ws, 'user' || n || '@example.com', 'User ' || n, 'STAFF', now() FROM w, generate_series(1, 300) n;
      INSERT INTO team (id, workspace_id, name) SELECT ${id('2', 'n + offs')}, ws, 'Team ' || n FROM w, generate_series(1, 150) n;
      INSERT INTO staff_member (id, workspace_id, display_name, time_zone, updated_at)
        SELECT ${id('3', 'n + offs')}, ws, 'Staff ' || n, 'Europe/Berlin', now() FROM w, generate_series(1, 200) n;
      INSERT INTO resource (id, workspace_id, name, kind, updated_at)
        SELECT ${id('4', 'n + offs')}, ws, 'Chair ' || n, 'CHAIR', now() FROM w, generate_series(1, 200) n;
      INSERT INTO service (id, workspace_id, name, duration_minutes, price_minor, currency, updated_at)
        SELECT ${id('5', 'n + offs')}, ws, 'Service ' || n, 30, 1000, 'EUR', now() FROM w, generate_series(1, 200) n;
      INSERT INTO tag (id, workspace_id, name, slug, updated_at)
        SELECT ${id('6', 'n + offs')}, ws, 'Tag ' || n, 'tag ' || n, now() FROM w, generate_series(1, 200) n;

      -- Owner 1 has every thousandth customer, owners 2 to 21 the others; team 1 has a third, team 2 one in 2,000.
      INSERT INTO customer (id, workspace_id, external_id, first_name, last_name, email, phone, lifecycle_stage, owner_id, team_id,
          sort_name, search_text, lead_score, created_at, updated_at)
        SELECT ${id('7', 'n + offs')}, ws, 'x' || n, first, last, 'c' || n || '@' || domain, '+49301' || lpad(n::text, 6, '0'),
          (CASE WHEN n % 2000 = 0 THEN 'CHURNED' WHEN n % 3 = 0 THEN 'NEW' WHEN n % 3 = 1 THEN 'CUSTOMER' ELSE 'LEAD' END)::lifecycle_stage,
          ${id('1', 'CASE WHEN n % 1000 = 0 THEN 1 ELSE 2 + n % 20 END + offs')},
          CASE WHEN n % 2000 = 1 THEN ${id('2', '2 + offs')} WHEN n % 3 = 0 THEN ${id('2', '1 + offs')} END,
          sort_name, ' ' || replace(sort_name, ' ', '  ') || ' c' || n || '@' || domain || ' ' || domain || ' 49301' || lpad(n::text, 6, '0') || ' 301' || lpad(n::text, 6, '0'),
          n::bigint * 7919 % 97,
          timestamptz '2020-01-01' + n * ${step}, timestamptz '2020-01-01' + (n::bigint * 7919 % ${customers}) * ${step} + interval '7 years'
        FROM (SELECT *, lower(translate(last || ' ' || first, 'éÉèíúñóüøäöåÖ', 'eEeiunouoaoaO')) AS sort_name FROM (
          SELECT w.*, n, ${array(firstNames)}[1 + n % ${firstNames.length}] AS first,
            ${array(lastNames)}[1 + n / ${firstNames.length} % ${lastNames.length}] || '-' || n / 2000 AS last,
            ${array(['gmail.example', 'post.example', 'web.example', 'firma.example'])}[1 + n % 4] AS domain
          FROM w, generate_series(1, CASE offs WHEN 0 THEN ${customers} ELSE 20000 END) n) named) prepared;

      -- Tag 1 is worn by nine in ten, tag 2 by one in 2,000, the others by a few hundred each.
      INSERT INTO customer_word (workspace_id, customer_id, word, previous)
        SELECT workspace_id, id, word, previous FROM customer, words_of(search_text);
      INSERT INTO customer_tag (workspace_id, customer_id, tag_id, customer_created_at)
        SELECT ws, ${id('7', 'n + offs')}, ${id('6', 't + offs')}, timestamptz '2020-01-01' + n * ${step} FROM w, generate_series(1, ${customers}) n,
          LATERAL (SELECT 1 AS t WHERE n % 10 > 0 UNION ALL SELECT 2 WHERE n % 2000 = 3 UNION ALL SELECT 3 + n % 150) tags WHERE offs = 0;

      -- Segment 1 holds nine in ten, segment 2 one in 2,000.
      INSERT INTO segment (id, workspace_id, name, kind, updated_at)
        SELECT ${id('d', 'n')}, '${workspace.id}', 'Segment ' || n, 'STATIC', now() FROM generate_series(1, 2) n;
      INSERT INTO segment_member (workspace_id, segment_id, customer_id, joined_at, customer_created_at)
        SELECT workspace_id, CASE tag_id WHEN ${id('6', '1')} THEN ${id('d', '1')} ELSE ${id('d', '2')} END, customer_id, now(), customer_created_at
        FROM customer_tag WHERE tag_id IN (${id('6', '1')}, ${id('6', '2')});

      -- A connection with 20,000 deliveries, one in 2,000 of them parked, as many calls and differences; scores of everybody,
      -- and 3,000 entries more of the busy customer.
      INSERT INTO integration_connection (id, workspace_id, integration, name, settings, secrets, webhook_key_hash, account, account_name, updated_at)
        VALUES (${id('e', '1')}, '${workspace.id}', 'activecampaign', 'ActiveCampaign', '{}', '', '', 'a', 'A', now());
      INSERT INTO delivery (id, workspace_id, connection_id, customer_id, kind, status, key, payload, not_before, next_at, asked_at, created_at)
        SELECT ${id('e1', 'n')}, '${workspace.id}', ${id('e', '1')}, ${id('7', 'n')}, 'CONTACT',
          (CASE WHEN n % 2000 = 0 THEN 'PARKED' ELSE 'DONE' END)::delivery_status, 'k' || n, '{}', now(), now(), now(), timestamptz '2020-01-01' + n * interval '1 hour'
        FROM generate_series(1, 20000) n;
      INSERT INTO integration_call (id, workspace_id, connection_id, method, path, result, duration_ms, waited_ms, created_at)
        SELECT ${id('e2', 'n')}, '${workspace.id}', ${id('e', '1')}, 'POST', '/contact/sync', 'OK', 1, 0, timestamptz '2020-01-01' + n * interval '1 hour' FROM generate_series(1, 20000) n;
      INSERT INTO integration_drift (id, workspace_id, connection_id, difference, fields, created_at)
        SELECT ${id('e3', 'n')}, '${workspace.id}', ${id('e', '1')}, 'DIFFERS', '{email}', timestamptz '2020-01-01' + n * interval '1 hour' FROM generate_series(1, 20000) n;
      INSERT INTO lead_score_entry (id, workspace_id, customer_id, points, reason, occurred_at)
        SELECT ${id('e4', 'n')}, '${workspace.id}', ${id('7', `CASE WHEN n > ${customers} THEN 25001 ELSE n END`)}, 1, 'Booked', timestamptz '2020-01-01' + n * interval '1 hour'
        FROM generate_series(1, ${customers + 3_000}) n;

      -- Bookings for each customer, and 3,000 more for customer 25,001. Staff member 1 has those of all but every tenth
      -- customer; staff member 2, resource 2 and service 2 have one in 2,000.
      CREATE TEMP TABLE b AS
        SELECT ws, n, CASE WHEN n > ${own} THEN 25001 ELSE 1 + (n - 1) % ${customers} END AS customer,
          date_trunc('milliseconds', timestamptz '2021-01-01' + (n::bigint * 31 % ${all}) * (interval '29 minutes' * ${53_000 / all})) AS at,
          CASE WHEN n % 2000 = 0 THEN 'PENDING' WHEN n % 10 < 7 THEN 'COMPLETED' WHEN n % 10 = 7 THEN 'NO_SHOW' WHEN n % 10 = 8 THEN 'CANCELLED' ELSE 'CONFIRMED' END AS status,
          CASE WHEN n % 2000 = 0 THEN 2 ELSE 1 END AS pick
        FROM w, generate_series(1, ${all}) n WHERE offs = 0;
      INSERT INTO booking (id, workspace_id, reference, external_id, customer_id, service_id, staff_member_id, resource_id, status,
          starts_at, ends_at, blocked_from, blocked_until, time_zone, price_minor, currency, created_at, updated_at)
        SELECT ${id('8', 'n')}, ws, 'REF-' || n, 'x' || n, ${id('7', 'customer')}, ${id('5', 'pick')},
          CASE WHEN pick = 2 THEN ${id('3', '2')} WHEN customer % 10 > 0 THEN ${id('3', '1')} ELSE ${id('3', '3 + n % 100')} END,
          ${id('4', 'CASE WHEN pick = 2 THEN 2 WHEN n % 3 = 0 THEN 3 + n % 100 ELSE 1 END')}, status::booking_status,
          at, at + interval '20 minutes', at, at + interval '20 minutes', 'Europe/Berlin', 1000, 'EUR', at - interval '3 days' + n % 7 * interval '1 hour', at
        FROM b;
      -- And 500 of the busy customer's are places in one class.
      INSERT INTO class_session (id, workspace_id, service_id, starts_at, ends_at, capacity, taken)
        VALUES ('${uuid('c', 1)}', '${workspace.id}', ${id('5', '1')}, '2023-12-31', '2024-01-01', 1000, 500);
      UPDATE booking SET session_id = '${uuid('c', 1)}' WHERE id BETWEEN ${id('8', `${own + 1}`)} AND ${id('8', `${own + 500}`)};
      INSERT INTO payment (id, workspace_id, customer_id, booking_id, amount_minor, currency, method, status, paid_at, updated_at)
        SELECT ${id('9', 'n')}, ws, ${id('7', 'customer')}, ${id('8', 'n')}, 1000, 'EUR', 'CARD', 'SUCCEEDED', at, at
        FROM b WHERE n % 2 = 0 OR n > ${own};
      INSERT INTO event (workspace_id, position, id, type, version, occurred_at, recorded_at, actor_kind, origin, customer_id, subject_type, subject_id, data)
        SELECT ws, n, ${id('a', 'n')}, CASE WHEN n % 2000 = 0 THEN 'booking.no_show' WHEN n % 2 = 0 THEN 'booking.completed' ELSE 'booking.created' END,
          1, at, at, 'SYSTEM', 'LIVE', ${id('7', 'customer')}, 'Booking', ${id('8', 'n')}, '{"serviceName": "Cut"}' FROM b;
      -- Some that are on no timeline.
      INSERT INTO event (workspace_id, position, id, type, version, occurred_at, recorded_at, actor_kind, origin, subject_type, subject_id, data)
        SELECT ws, ${all} + n, ${id('b', 'n')}, 'service.updated', 1, timestamptz '2021-01-01' + n * interval '5 hours', now(), 'SYSTEM', 'LIVE', 'Service', ${id('5', '1')}, '{"name": "Cut"}'
        FROM w, generate_series(1, 5000) n WHERE offs = 0;

      INSERT INTO customer_access (workspace_id, principal_id, customer_id, reasons)
        SELECT workspace_id, principal, customer, count(*) FROM (
          SELECT workspace_id, owner_id AS principal, id AS customer FROM customer UNION ALL
          SELECT workspace_id, team_id, id FROM customer UNION ALL SELECT workspace_id, staff_member_id, customer_id FROM booking) reasons
        WHERE principal IS NOT NULL GROUP BY 1, 2, 3;
      INSERT INTO customer_spending (workspace_id, customer_id, currency, amount_minor, payments)
        SELECT workspace_id, customer_id, currency, sum(amount_minor), count(*) FROM payment GROUP BY 1, 2, 3;`),
    );
    await client.query(
      'VACUUM (ANALYZE) customer, customer_access, customer_tag, segment_member, delivery, integration_call, lead_score_entry, customer_word, customer_spending, booking, payment, event',
    );
    await client.query('ANALYZE');
  } finally {
    await client.end();
  }
}

/**
 * Does this while indexes that no constraint needs are away, and then builds them at once. The exclusion constraints
 * stay away: no read uses them.
 */
function withoutIndexes(sql: string): string {
  return `
    ALTER TABLE booking DROP CONSTRAINT booking_staff_member_free, DROP CONSTRAINT booking_resource_free;
    CREATE TEMP TABLE away AS SELECT i.indexrelid::regclass::text AS name, replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ') AS definition
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
      WHERE NOT i.indisunique AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace;
    DO $$ DECLARE one record; BEGIN FOR one IN TABLE away LOOP EXECUTE 'DROP INDEX ' || one.name; END LOOP; END $$;
    ${sql}
    DO $$ DECLARE one record; BEGIN FOR one IN TABLE away LOOP EXECUTE one.definition; END LOOP; END $$;`;
}
