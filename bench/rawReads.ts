/** The two queries of the benchmark of reads by hand: node:http, one statement each, the database's JSON passed through. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import pg from 'pg';

const statements: Record<string, string> = {
  Q1: `
    SELECT json_agg(row_to_json(x)) FROM (SELECT c.id, concat_ws(' ', c.first_name, c.last_name) AS "fullName", c.email,
      array(SELECT json_build_object('name', t.name) FROM customer_tag ct JOIN tag t ON t.id = ct.tag_id
        WHERE ct.workspace_id = c.workspace_id AND ct.customer_id = c.id ORDER BY t.slug LIMIT 100) AS tags,
      array(SELECT row_to_json(b) FROM (SELECT b.id, b.status, b.starts_at AS "startsAt", json_build_object('name', s.name) AS service
        FROM booking b JOIN service s ON s.id = b.service_id
        WHERE b.workspace_id = c.workspace_id AND b.customer_id = c.id ORDER BY b.starts_at DESC, b.id DESC LIMIT 3) b) AS bookings
    FROM customer c WHERE c.workspace_id = $1 AND c.deleted_at IS NULL ORDER BY c.created_at DESC, c.id DESC LIMIT 20) x`,
  Q2: `
    SELECT row_to_json(x) FROM (SELECT c.id, concat_ws(' ', c.first_name, c.last_name) AS "fullName",
      array(SELECT row_to_json(e) FROM (SELECT id, type, occurred_at AS "occurredAt" FROM event e
        WHERE e.workspace_id = c.workspace_id AND e.customer_id = c.id ORDER BY occurred_at DESC, id DESC LIMIT 50) e) AS activities
    FROM customer c WHERE c.workspace_id = $1 AND c.id = $2) x`,
};

const { DATABASE_URL: connectionString, WORKSPACE, CUSTOMER } = process.env;
const database = new pg.Pool({ connectionString, max: 16 });

const server = createServer(async (req, res) => {
  let name = '';
  for await (const chunk of req) name += chunk;
  const values = name === 'Q1' ? [WORKSPACE] : [WORKSPACE, CUSTOMER];
  const types = { getTypeParser: () => String };
  const { rows } = await database.query({
    name,
    text: statements[name] as string,
    values,
    types,
    rowMode: 'array',
  });
  res.writeHead(200, { 'Content-Type': 'application/json' }).end(rows[0]?.[0]);
});
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on('SIGTERM', () => process.exit());
