// Mercurius with its just-in-time compiler, and loaders written by hand: a statement for each level of the query.
import Fastify from 'fastify';
import mercurius from 'mercurius';
import pg from 'pg';

const { DATABASE_URL: connectionString, WORKSPACE } = process.env;
const database = new pg.Pool({ connectionString, max: 16 });

const schema = `
  type Query { customers(first: Int!): Customers! customer(id: ID!): Customer }
  type Customers { nodes: [Customer!]! }
  type Customer { id: ID! fullName: String email: String tags: [Tag!]! bookings(first: Int!): Bookings! activities(first: Int!): Activities! }
  type Tag { name: String! }
  type Bookings { nodes: [Booking!]! }
  type Booking { id: ID! status: String! startsAt: String! service: Service! }
  type Service { name: String! }
  type Activities { nodes: [Activity!]! }
  type Activity { id: ID! type: String! occurredAt: String! }
`;

const many = async (name, text, values) => (await database.query({ name, text, values })).rows;
const customerColumns = `id, concat_ws(' ', first_name, last_name) AS "fullName", email`;

const resolvers = {
  Query: {
    customers: async (_, { first }) => ({
      nodes: await many(
        'customers',
        `SELECT ${customerColumns} FROM customer WHERE workspace_id = $1 AND deleted_at IS NULL ORDER BY created_at DESC, id DESC LIMIT $2`,
        [WORKSPACE, first],
      ),
    }),
    customer: async (_, { id }) =>
      (
        await many(
          'customer',
          `SELECT ${customerColumns} FROM customer WHERE workspace_id = $1 AND id = $2`,
          [WORKSPACE, id],
        )
      )[0],
  },
  Booking: { startsAt: ({ starts_at: at }) => at.toISOString() },
  Activity: { occurredAt: ({ occurred_at: at }) => at.toISOString() },
};

/** Rows by the number of their place among those that are asked for. */
function spread(rows, count) {
  const lists = Array.from({ length: count }, () => []);
  for (const row of rows) lists[row.nr - 1].push(row);
  return lists;
}
const idsOf = (queries) => queries.map(({ obj }) => obj.id);

const loaders = {
  Customer: {
    tags: async (queries) =>
      spread(
        await many(
          'tags',
          `SELECT nr, t.name FROM unnest($2::uuid[]) WITH ORDINALITY AS asked(id, nr) JOIN customer_tag ct ON ct.workspace_id = $1 AND ct.customer_id = asked.id
            JOIN tag t ON t.id = ct.tag_id ORDER BY nr, t.slug`,
          [WORKSPACE, idsOf(queries)],
        ),
        queries.length,
      ),
    bookings: async (queries) =>
      spread(
        await many(
          'bookings',
          `SELECT nr, b.* FROM unnest($2::uuid[]) WITH ORDINALITY AS asked(id, nr), LATERAL (SELECT id, status, starts_at, service_id FROM booking
            WHERE workspace_id = $1 AND customer_id = asked.id ORDER BY starts_at DESC, id DESC LIMIT $3) b ORDER BY nr, starts_at DESC, id DESC`,
          [WORKSPACE, idsOf(queries), queries[0].params.first],
        ),
        queries.length,
      ).map((nodes) => ({ nodes })),
    activities: async (queries) =>
      spread(
        await many(
          'activities',
          `SELECT nr, e.* FROM unnest($2::uuid[]) WITH ORDINALITY AS asked(id, nr), LATERAL (SELECT id, type, occurred_at FROM event
            WHERE workspace_id = $1 AND customer_id = asked.id ORDER BY occurred_at DESC, id DESC LIMIT $3) e ORDER BY nr, occurred_at DESC, id DESC`,
          [WORKSPACE, idsOf(queries), queries[0].params.first],
        ),
        queries.length,
      ).map((nodes) => ({ nodes })),
  },
  Booking: {
    service: async (queries) => {
      const ids = [...new Set(queries.map(({ obj }) => obj.service_id))];
      const rows = await many(
        'services',
        'SELECT id, name FROM service WHERE workspace_id = $1 AND id = ANY($2::uuid[])',
        [WORKSPACE, ids],
      );
      const byId = new Map(rows.map((row) => [row.id, row]));
      return queries.map(({ obj }) => byId.get(obj.service_id));
    },
  },
};

const app = Fastify();
await app.register(mercurius, { schema, resolvers, loaders, jit: 1, graphiql: false });
await app.listen({ port: 0, host: '127.0.0.1' });
process.send?.({ port: app.server.address().port });
process.on('SIGTERM', () => process.exit());
