import { Readable } from 'node:stream';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { openLocalBus } from '../../src/core/bus.ts';
import type { Context } from '../../src/core/context.ts';
import { hashOf } from '../../src/core/crypto.ts';
import type { Database } from '../../src/core/database.ts';
import { decodeId, encodeId, newId } from '../../src/core/ids.ts';
import { allPermissions, type Permission, type Role } from '../../src/core/permissions.ts';
import { createSyncMetrics } from '../../src/core/syncMetrics.ts';
import { createVault } from '../../src/core/vault.ts';
import { openEventLog } from '../../src/events/log.ts';
import { createSequencer } from '../../src/events/sequencer.ts';
import { createApiKey } from '../../src/resolvers/apiKeys/createApiKey.ts';
import { completeBooking } from '../../src/resolvers/bookings/completeBooking.ts';
import { createBooking } from '../../src/resolvers/bookings/createBooking.ts';
import { connectIntegration } from '../../src/resolvers/connections/connectIntegration.ts';
import { createCustomer } from '../../src/resolvers/customers/createCustomer.ts';
import { deleteCustomer } from '../../src/resolvers/customers/deleteCustomer.ts';
import { startImport } from '../../src/resolvers/imports/startImport.ts';
import { createLeadScoreRule } from '../../src/resolvers/leadScoreRules/createLeadScoreRule.ts';
import { adjustLeadScore } from '../../src/resolvers/leadScores/adjustLeadScore.ts';
import { recordPayment } from '../../src/resolvers/payments/recordPayment.ts';
import { createResource } from '../../src/resolvers/resources/createResource.ts';
import { createSegment } from '../../src/resolvers/segments/createSegment.ts';
import { createService } from '../../src/resolvers/services/createService.ts';
import { createStaffMember } from '../../src/resolvers/staffMembers/createStaffMember.ts';
import { createTagRule } from '../../src/resolvers/tagRules/createTagRule.ts';
import { addTags } from '../../src/resolvers/tags/addTags.ts';
import { createTag } from '../../src/resolvers/tags/createTag.ts';
import { createTeam } from '../../src/resolvers/teams/createTeam.ts';
import { appendToUpload } from '../../src/resolvers/uploads/appendToUpload.ts';
import { createUpload } from '../../src/resolvers/uploads/createUpload.ts';
import { createUser } from '../../src/resolvers/users/createUser.ts';
import { nobody } from '../../src/server/authenticate.ts';
import { type Caller, findCallers, type Identity } from '../../src/server/callers.ts';
import { graphqlContext, type OperationContext } from '../../src/server/graphqlContext.ts';
import type { Services } from '../../src/server/services.ts';
import { createWorkspace, readerOf } from '../support/context.ts';

/**
 * Two businesses made by the verbs, and everybody who may call: signed in by the server's own function, from rows.
 * All ids are public ids.
 */

/** A customer with what belongs to them. */
export interface Kept {
  customer: string;
  booking: string;
  payment: string;
  /** The event of the booking's making. */
  activity: string;
  /** Of the ledger of their score. */
  leadscoreentry: string;
}

export type Thing =
  | 'Service'
  | 'ClassSession'
  | 'Resource'
  | 'StaffMember'
  | 'Tag'
  | 'TagRule'
  | 'LeadScoreRule'
  | 'Segment'
  | 'User'
  | 'Team'
  | 'ApiKey'
  | 'BulkOperation'
  | 'IntegrationConnection'
  | 'Delivery'
  | 'IntegrationCall'
  | 'IntegrationDrift'
  | 'Upload'
  | 'Workspace';

/** One business. */
export interface Side {
  admin: Context;
  things: Record<Thing, string>;
  /** Makes new things here, as the administrator. Those of a customer are made so that who reaches that one reaches these. */
  make: ReturnType<typeof maker>;
}

/**
 * The customers of our business, by why somebody reaches them:
 * `owned` by the staff user; `booked` with the staff user's staff member; `team` of the sales user's team; `south` of
 * a team that the staff user is in, which their scope does not count; `sold`: owned by the sales user; `other`:
 * somebody else's; `self` signs in; `gone` was deleted, and had a booking with the staff user's staff member.
 */
export const customerNames = ['owned', 'booked', 'team', 'south', 'sold', 'other', 'self', 'gone'] as const;
export type CustomerName = (typeof customerNames)[number];

export interface World {
  ours: Side;
  theirs: Side;
  customers: Record<CustomerName, Kept>;
  /** The one customer of the other business. */
  foreign: Kept;
  signIn(identity: Identity): Promise<Caller>;
  users: Record<Role, Caller>;
  customer: Caller;
  stranger: Caller;
  anonymous: Caller;
  /** An administrator's key with exactly these scopes. */
  key(...scopes: Permission[]): Promise<Caller>;
  /** What the resolvers get, for one operation. */
  context(caller: Caller, more?: Partial<OperationContext>): OperationContext;
  /** The customer to whom a row belongs, by public id; null for what belongs to none, undefined for unknown ids. */
  whose(id: string): Promise<CustomerName | 'foreign' | null | undefined>;
  close(): Promise<void>;
}

/** Every scope that leaves the permission out, also by implication. */
export function without(permission: Permission): Permission[] {
  const grants = (scope: Permission) =>
    scope === permission ||
    `${scope.split('.')[0]}.read` === permission ||
    (['tags.assign', 'segments.write'].includes(scope) && permission === 'customers.read');
  return allPermissions.filter((scope) => !grants(scope));
}

export const uuid = (id: string) => decodeId(id)?.uuid as string;

let slots = 0;
/** A time that nothing else is booked at. */
export function freeSlot(): Date {
  slots++;
  return new Date(Date.parse('2026-12-01T00:00:00Z') + slots * 3_600_000);
}
let names = 0;
/** Something that nothing else is called. */
export const fresh = (what: string) => `${what} ${++names} ${newId().slice(-4)}`;

export const scoreRule = () => ({ name: fresh('Rule'), eventType: 'email.opened', points: 5 });

export const importMapping = { customer: { firstName: 'name' } };

const euros = (amount: string) => ({ amount, currency: 'EUR' });

function maker(
  admin: Context,
  things: Record<Thing, string>,
  reach: (like: string) => { ownerId?: string; teamId?: string },
) {
  const make = {
    async customer(like = 'plain', more: Record<string, unknown> = {}): Promise<string> {
      const { id } = await createCustomer(admin, { firstName: fresh('Customer'), ...reach(like), ...more });
      return encodeId('Customer', id);
    },
    async booking(customerId: string, more: Record<string, unknown> = {}): Promise<string> {
      const { id } = await createBooking(admin, {
        customerId,
        serviceId: things.Service,
        startsAt: freeSlot(),
        ...more,
      });
      return encodeId('Booking', id);
    },
    async payment(customerId: string, more: Record<string, unknown> = {}): Promise<string> {
      const { id } = await recordPayment(admin, {
        customerId,
        amount: euros('12.50'),
        method: 'CASH',
        ...more,
      });
      return encodeId('Payment', id);
    },
    service: async (more: Record<string, unknown> = {}) =>
      encodeId(
        'Service',
        (
          await createService(admin, {
            name: fresh('Service'),
            durationMinutes: 30,
            price: euros('30'),
            ...more,
          })
        ).id,
      ),
    resource: async () =>
      encodeId('Resource', (await createResource(admin, { name: fresh('Room'), kind: 'ROOM' })).id),
    staffMember: async (more: Record<string, unknown> = {}) =>
      encodeId('StaffMember', (await createStaffMember(admin, { displayName: fresh('Staff'), ...more })).id),
    tag: async () => encodeId('Tag', (await createTag(admin, { name: fresh('Tag') })).id),
    segment: async (more: Record<string, unknown> = { kind: 'STATIC' }) =>
      encodeId('Segment', (await createSegment(admin, { name: fresh('Segment'), ...more })).id),
    tagRule: async () => {
      const criteria = { field: 'first_name', operator: 'equals', value: 'nobody' };
      return encodeId(
        'TagRule',
        (await createTagRule(admin, { name: fresh('Rule'), tagId: things.Tag, criteria })).id,
      );
    },
    leadScoreRule: async () => encodeId('LeadScoreRule', (await createLeadScoreRule(admin, scoreRule())).id),
    endRescore: () =>
      admin.db.bulkOperation.updateMany({
        where: { workspaceId: admin.workspace.id, kind: 'RESCORE' },
        data: { status: 'CANCELLED' },
      }),
    user: async (more: Record<string, unknown> = {}) => {
      const email = `${newId()}@example.com`;
      return encodeId(
        'User',
        (await createUser(admin, { email, displayName: fresh('User'), role: 'VIEWER', ...more })).id,
      );
    },
    team: async (...memberIds: string[]) =>
      encodeId('Team', (await createTeam(admin, { name: fresh('Team'), memberIds })).id),
    apiKey: async () =>
      encodeId('ApiKey', (await createApiKey(admin, { name: fresh('Key'), role: 'VIEWER' })).id),
    async upload(): Promise<string> {
      const { id } = await createUpload(admin, { fileName: 'customers.csv', size: 10 });
      await appendToUpload(admin, id, 0, Readable.from([Buffer.from('name\nNemo\n')]));
      return encodeId('Upload', id);
    },
    async connection(): Promise<string> {
      const { id } = await connectIntegration(admin, { integration: 'badgemaker', settings: {} });
      return encodeId('IntegrationConnection', id);
    },
    /** Of a system with contacts. It was never there: nothing is sent. */
    async contactConnection(): Promise<string> {
      const id = newId();
      await admin.db.integrationConnection.create({
        data: {
          ...{ id, workspaceId: admin.workspace.id, integration: 'hubspot', name: 'HubSpot' },
          ...{ settings: {}, secrets: '', webhookKeyHash: fresh('hash'), account: fresh('account') },
          accountName: 'Test',
        },
      });
      return encodeId('IntegrationConnection', id);
    },
    async delivery(): Promise<string> {
      const [id, now] = [newId(), admin.clock.now()];
      await admin.db.delivery.create({
        data: {
          ...{ id, workspaceId: admin.workspace.id, connectionId: uuid(await make.connection()) },
          ...{ kind: 'EVENT', status: 'PARKED', key: fresh('key'), payload: {} },
          ...{ notBefore: now, nextAt: now, askedAt: now },
        },
      });
      return encodeId('Delivery', id);
    },
    /** A line in the log of calls, or a difference that was found. */
    async noted(model: 'IntegrationCall' | 'IntegrationDrift', connection?: string): Promise<string> {
      const about = {
        workspaceId: admin.workspace.id,
        connectionId: uuid(connection ?? (await make.connection())),
      };
      const row = { ...about, id: newId(), createdAt: admin.clock.now() };
      if (model === 'IntegrationDrift')
        await admin.db.integrationDrift.create({
          data: { ...row, difference: 'DIFFERS', remoteId: fresh('remote') },
        });
      else
        await admin.db.integrationCall.create({
          data: { ...row, method: 'GET', path: '/', result: 'OK', durationMs: 1, waitedMs: 0 },
        });
      return encodeId(model, row.id);
    },
    async bulkOperation(): Promise<string> {
      const { id } = await startImport(admin, { uploadId: await make.upload(), mapping: importMapping });
      return encodeId('BulkOperation', id);
    },
  };
  return make;
}

export async function makeWorld(db: Database): Promise<World> {
  const log = pino({ level: 'silent' });
  const bus = openLocalBus();
  const sequencer = createSequencer(readerOf(db), bus, log);
  const eventLog = openEventLog(db, readerOf(db), bus);
  const outside = {
    vault: createVault('a secret for tests that has forty characters'),
    allowPrivatePeers: false,
    publicUrl: 'https://desk.example.com',
    metrics: createSyncMetrics([new Registry()]),
  };
  const running = { committed: sequencer.run, outside };

  async function side(): Promise<{
    side: Side;
    shop: Awaited<ReturnType<typeof createWorkspace>>;
    reaches: Record<string, { ownerId?: string; teamId?: string }>;
  }> {
    const shop = await createWorkspace(db, { with: running });
    const admin = await shop.asUser('ADMIN', { externalId: 'admin' });
    const things = { Workspace: encodeId('Workspace', shop.workspace.id) } as Record<Thing, string>;
    const reaches: Record<string, { ownerId?: string; teamId?: string }> = {};
    const make = maker(admin, things, (like) => reaches[like] ?? {});
    things.Service = await make.service();
    things.Resource = await make.resource();
    things.StaffMember = await make.staffMember();
    things.Tag = await make.tag();
    things.Segment = await make.segment();
    things.TagRule = await make.tagRule();
    things.LeadScoreRule = await make.leadScoreRule();
    things.User = await make.user();
    things.Team = await make.team(things.User);
    things.ApiKey = await make.apiKey();
    things.Upload = await make.upload();
    things.BulkOperation = await make.bulkOperation();
    things.IntegrationConnection = await make.connection();
    things.Delivery = await make.delivery();
    things.IntegrationCall = await make.noted('IntegrationCall');
    things.IntegrationDrift = await make.noted('IntegrationDrift');
    return { side: { admin, things, make }, shop, reaches };
  }

  const kinds: Record<string, CustomerName | 'foreign'> = {};
  async function keep(
    { admin, things, make }: Side,
    name: CustomerName | 'foreign',
    of: Record<string, unknown>,
    more: Record<string, unknown> = {},
  ): Promise<Kept> {
    const person = {
      firstName: `Marker-${name}`,
      lastName: `Surname-${name}`,
      email: `${name}@marker.example`,
      externalId: `marker-${name}`,
    };
    const customer = await make.customer('plain', { ...person, ...of });
    const booking = await make.booking(customer, {
      notes: `marker-note-${name}`,
      externalId: `marker-booking-${name}`,
      ...more,
    });
    const payment = await make.payment(customer, {
      bookingId: booking,
      transactionId: `marker-transaction-${name}`,
    });
    await addTags(admin, { customerIds: [customer], tags: [things.Tag] });
    const event = await db.event.findFirstOrThrow({
      where: { subjectId: uuid(booking), type: 'booking.created' },
    });
    await adjustLeadScore(admin, { customerId: customer, points: 1, reason: `marker-reason-${name}` });
    const entry = await db.leadScoreEntry.findFirstOrThrow({ where: { customerId: uuid(customer) } });
    kinds[customer] = name;
    return {
      ...{ customer, booking, payment },
      activity: encodeId('Activity', event.id),
      leadscoreentry: encodeId('LeadScoreEntry', entry.id),
    };
  }

  const { side: ours, shop, reaches } = await side();
  const { admin, things, make } = ours;
  const person = async (role: Role) =>
    encodeId('User', ((await shop.asUser(role, { externalId: role })).viewer as { id: string }).id);
  for (const role of ['MANAGER', 'MARKETING', 'VIEWER'] as const) await person(role);
  const [sales, staff, elsewhere] = [await person('SALES'), await person('STAFF'), await make.user()];
  const [north, south] = [await make.team(sales), await make.team(staff)];
  const mine = await make.staffMember({ userId: staff });
  Object.assign(reaches, {
    owned: { ownerId: staff },
    team: { teamId: north },
    sold: { ownerId: sales },
    other: { ownerId: elsewhere },
  });

  const customers = {
    owned: await keep(ours, 'owned', { ownerId: staff }),
    booked: await keep(ours, 'booked', {}, { staffMemberId: mine }),
    team: await keep(ours, 'team', { teamId: north }),
    south: await keep(ours, 'south', { teamId: south }),
    sold: await keep(ours, 'sold', { ownerId: sales }),
    other: await keep(
      ours,
      'other',
      { ownerId: elsewhere },
      { staffMemberId: things.StaffMember, resourceId: things.Resource },
    ),
    self: await keep(ours, 'self', { ownerId: elsewhere }),
    gone: await keep(
      ours,
      'gone',
      { ownerId: elsewhere },
      { staffMemberId: mine, startsAt: new Date('2026-11-01T10:00:00Z') },
    ),
  };
  await completeBooking(admin, { id: customers.gone.booking });
  await deleteCustomer(admin, { id: customers.gone.customer });

  /** One sitting of a class, shared by customers whom different people reach. */
  async function sitting(at: Side, of: string[]): Promise<string> {
    const course = await at.make.service({ capacity: 5 });
    const startsAt = freeSlot();
    const made: string[] = [];
    for (const customer of of) made.push(await at.make.booking(customer, { serviceId: course, startsAt }));
    const { sessionId } = await db.booking.findUniqueOrThrow({ where: { id: uuid(made[0] as string) } });
    return encodeId('ClassSession', sessionId as string);
  }
  things.ClassSession = await sitting(ours, [
    customers.owned.customer,
    customers.team.customer,
    customers.self.customer,
    customers.other.customer,
  ]);

  const { side: theirs } = await side();
  const foreign = await keep(theirs, 'foreign', {});
  theirs.things.ClassSession = await sitting(theirs, [foreign.customer]);

  const signIn = async (identity: Identity): Promise<Caller> => {
    const [caller] = await findCallers(db, [identity], admin.clock.now());
    if (!caller || caller instanceof Error) throw caller ?? new Error('Nobody has this identity.');
    return caller;
  };
  const token = (at: Side, subject: string): Identity => ({
    kind: 'token',
    workspaceId: at.admin.workspace.id,
    subject,
    expiresAt: new Date(admin.clock.now().getTime() + 3_600_000),
  });
  const services = { db, clock: admin.clock, log, eventLog, sequencer, outside } as unknown as Services;

  return {
    ours,
    theirs,
    customers,
    foreign,
    signIn,
    users: {
      ADMIN: await signIn(token(ours, 'admin')),
      MANAGER: await signIn(token(ours, 'MANAGER')),
      MARKETING: await signIn(token(ours, 'MARKETING')),
      SALES: await signIn(token(ours, 'SALES')),
      STAFF: await signIn(token(ours, 'STAFF')),
      VIEWER: await signIn(token(ours, 'VIEWER')),
    },
    customer: await signIn(token(ours, 'marker-self')),
    stranger: await signIn(token(theirs, 'admin')),
    anonymous: nobody,
    async key(...scopes) {
      const secret = `test_${newId()}`;
      const { workspace } = admin;
      await db.apiKey.create({
        data: {
          id: newId(),
          workspaceId: workspace.id,
          name: fresh('Key'),
          role: 'ADMIN',
          scopes,
          hash: hashOf(secret),
          prefix: 'test',
        },
      });
      return signIn({ kind: 'apiKey', hash: hashOf(secret) });
    },
    context: (caller, more) => ({ ...graphqlContext(services, caller, newId()), ...more }),
    async whose(id) {
      const { type, uuid: row } = decodeId(id) ?? {};
      const owner = async (): Promise<string | null | undefined> => {
        const select = { customerId: true };
        if (type === 'Customer') return row;
        if (type === 'Booking')
          return (await db.booking.findUnique({ where: { id: row }, select }))?.customerId;
        if (type === 'Payment')
          return (await db.payment.findUnique({ where: { id: row }, select }))?.customerId;
        if (type === 'LeadScoreEntry')
          return (await db.leadScoreEntry.findUnique({ where: { id: row }, select }))?.customerId;
        if (type === 'Activity')
          return (await db.event.findFirst({ where: { id: row }, select }))?.customerId;
        return null;
      };
      const customer = await owner();
      return customer == null ? customer : kinds[encodeId('Customer', customer)];
    },
    async close() {
      eventLog.close();
      await sequencer.stop();
      await bus.close();
    },
  };
}
