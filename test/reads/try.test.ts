import { graphql } from 'graphql';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { openLocalBus } from '../../src/core/bus.ts';
import { openDatabase } from '../../src/core/database.ts';
import { encodeId } from '../../src/core/ids.ts';
import { permissionsOf } from '../../src/core/permissions.ts';
import { openEventLog } from '../../src/events/log.ts';
import { schema } from '../../src/schema/schema.ts';
import { testContext } from '../support/context.ts';
import { createTestDatabase } from '../support/database.ts';
import { loadBigBusiness } from './bigBusiness.ts';
import { watchStatements } from './statements.ts';

test('x', { timeout: 200_000 }, async () => {
  const { url } = await createTestDatabase();
  console.time('load');
  const big = await loadBigBusiness(url);
  console.timeEnd('load');
  const db = openDatabase(url);
  const ctx = testContext(db, { workspace: big.workspace, viewer: { kind: 'user', id: big.owner, role: 'ADMIN', permissions: permissionsOf('ADMIN'), rowScope: 'ALL', principals: [] } });
  const contextValue = { ...ctx, eventLog: openEventLog(db, openLocalBus()) };
  const ask = async (source: string) => {
    const { result, statements } = await watchStatements(() => graphql({ schema, source, contextValue }));
    console.log(JSON.stringify(result).slice(0, 600));
    for (const s of statements) console.log(s.text, s.values);
  };
  await ask('{ customers(first: 2) { nodes { id firstName tags { name } bookings(first: 2) { nodes { id service { name } } } stats { totalBookings totalSpent { amount } } leadScore { score } activities(first: 2) { nodes { title } } } } }');
  const { result } = await watchStatements(() => graphql({ schema, source: '{ customers(first: 100) { pageInfo { endCursor } } }', contextValue }));
  const cursor = (result as any).data.customers.pageInfo.endCursor;
  await ask(`{ customers(first: 2, after: "${cursor}") { nodes { id } totalCount } }`);
  await ask(`{ customer(id: "${encodeId('Customer', big.busyCustomer)}") { bookings(first: 2, after: "${Buffer.from('GPC:S:' + '00019000-8000-7000-8000-000000000000').toString('base64')}") { nodes { id } totalCount } } }`);
  await db.$disconnect();
});
