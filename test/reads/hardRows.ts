import type { Context } from '../../src/core/context.ts';
import type { Database } from '../../src/core/database.ts';
import { encodeId, newId } from '../../src/core/ids.ts';
import { createWorkspace } from '../support/context.ts';

/**
 * A business whose rows are chosen to hurt: ties in every order, nulls, empty texts, quotes, emoji, text from right to
 * left, milliseconds, large numbers, years at the edge. Beside it another business with rows of the same kind.
 */
export interface HardRows {
  admin: Context;
  /** Callers of every kind: some see everything, some a part, some nothing. */
  viewers: Record<string, Context>;
  /** Public ids by type, of both businesses and of nobody. */
  ids: Record<string, string[]>;
  /** Values that columns have, for filters. */
  texts: string[];
  times: string[];
}

export const hardTexts = [
  '',
  ' ',
  'Ada',
  'ada',
  'Zoë Ångström',
  '"quoted" and \\back\\slashed\\',
  "it's; DROP TABLE customer; --",
  'a~0":"forged","~":null',
  '~0',
  '\\~1":"x',
  'line\nbreak\r\n\ttab\u0001\u001f\u007f',
  '👩‍👩‍👧‍👦 🇩🇪 𝕌',
  'שלום עולם \u202e abc',
  'مرحبا',
  '\u2028\u2029',
  '</script><!--',
  '%_\\%',
  'null',
  '{"a":[1]}',
  'x'.repeat(3_000),
];

export const hardTimes = [
  '0001-01-01T00:00:00.000Z',
  '0099-12-31T23:59:59.999Z',
  '1582-10-10T12:00:00.000Z',
  '1970-01-01T00:00:00.000Z',
  '2026-02-28T23:59:59.999Z',
  '2026-03-29T01:30:00.100Z',
  '2026-03-29T01:30:00.120Z',
  '2026-03-29T01:30:00.123Z',
  '2026-10-25T00:30:00.000Z',
  '9999-12-31T23:59:59.999Z',
];

const pick = <T>(from: readonly T[], n: number): T => from[n % from.length] as T;

export async function makeHardRows(db: Database): Promise<HardRows> {
  const ids: Record<string, string[]> = {};
  const remember = (type: Parameters<typeof encodeId>[0], rows: { id: string }[]) => {
    ids[type] = [...(ids[type] ?? []), ...rows.map(({ id }) => encodeId(type, id))];
  };

  async function fill(): Promise<
    Awaited<ReturnType<typeof createWorkspace>> & { rows: Record<string, { id: string }[]> }
  > {
    const shop = await createWorkspace(db);
    const workspaceId = shop.workspace.id;
    const base = (n: number) => Array.from({ length: n }, () => ({ id: newId(), workspaceId }));
    // Ties: several rows share each time.
    const at = (n: number) => new Date(pick(hardTimes, Math.floor(n / 3)));
    const user = base(6).map((row, n) => ({
      ...row,
      email: `${n}${pick(hardTexts, n).slice(0, 20)}@example.com`,
      displayName: pick(hardTexts, n),
      externalId: n % 2 ? `ext ${n}` : null,
      role: pick(['ADMIN', 'STAFF', 'VIEWER'] as const, n),
      rowScope: n % 3 ? null : ('TEAM' as const),
      disabledAt: n % 4 ? null : at(n),
      createdAt: at(n),
    }));
    await db.user.createMany({ data: user });
    const team = base(4).map((row, n) => ({
      ...row,
      name: `${pick(hardTexts, n + 4)} ${n}`,
      createdAt: at(n),
    }));
    await db.team.createMany({ data: team });
    await db.teamMember.createMany({
      data: team.flatMap(({ id: teamId }, n) =>
        user.slice(n).map(({ id: userId }) => ({ workspaceId, teamId, userId })),
      ),
    });
    const apiKey = base(3).map((row, n) => ({
      ...row,
      name: pick(hardTexts, n + 7),
      prefix: `fd_${n}`,
      hash: row.id,
      role: 'STAFF' as const,
      scopes: n === 0 ? [] : ['bookings.read', 'customers.write'].slice(0, n),
      createdById: n % 2 ? (user[0]?.id ?? null) : null,
      expiresAt: n % 2 ? at(n) : null,
      createdAt: at(n),
    }));
    await db.apiKey.createMany({ data: apiKey });
    const staffMember = base(5).map((row, n) => ({
      ...row,
      userId: n < 2 ? (user[n]?.id ?? null) : null,
      displayName: pick(['Same', 'same', 'Sâme'], n),
      email: n % 2 ? null : pick(hardTexts, n),
      timeZone: 'Europe/Berlin',
      active: n % 2 === 0,
      createdAt: at(n),
    }));
    await db.staffMember.createMany({ data: staffMember });
    const resource = base(3).map((row, n) => ({
      ...row,
      name: `${pick(hardTexts, n + 10)} ${n}`,
      kind: pick(['ROOM', 'CHAIR', 'EQUIPMENT'] as const, n),
    }));
    await db.resource.createMany({ data: resource });
    const currencies = ['EUR', 'JPY', 'KWD', 'CLF', 'XXX'];
    const amounts = [0n, 1n, 9n, 1250n, 2n ** 53n + 1n, 9_223_372_036_854_775_807n];
    const service = base(5).map((row, n) => ({
      ...row,
      name: `${pick(hardTexts, n + 2)} ${n}`,
      description: n % 2 ? null : pick(hardTexts, n + 11),
      durationMinutes: 1 + n * 60,
      priceMinor: pick(amounts, n),
      currency: pick(currencies, n),
      capacity: n === 4 ? 1_000 : 1,
      active: n !== 1,
    }));
    await db.service.createMany({ data: service });
    const tag = base(4).map((row, n) => ({
      ...row,
      name: pick(hardTexts, n + 8).slice(0, 100),
      slug: `slug ${n}`,
      color: n % 2 ? '#1e90ff' : null,
      createdById: n % 2 ? (user[1]?.id ?? null) : null,
    }));
    await db.tag.createMany({ data: tag });
    const customer = base(30).map((row, n) => ({
      ...row,
      externalId: n % 3 ? `ext "${n}"` : null,
      firstName: n % 5 === 4 ? null : pick(hardTexts, n),
      lastName: n % 4 === 3 ? null : pick(hardTexts, n + 5),
      companyName: n % 2 ? null : pick(hardTexts, n + 3),
      email: n % 3 === 1 ? null : `${n}@example.com`,
      phone: n % 2 ? null : `+49301${n}`,
      bornOn: n % 3 ? null : new Date(pick(['0001-01-01', '1999-02-28', '2000-02-29', '9999-12-31'], n / 3)),
      country: n % 2 ? 'DE' : null,
      timeZone: n % 2 ? 'Asia/Tokyo' : null,
      language: n % 2 ? 'de-AT' : null,
      notes: undefined,
      lifecycleStage: pick(['NEW', 'LEAD', 'AT_RISK'] as const, n),
      status: pick(['ACTIVE', 'BLOCKED'] as const, n),
      vip: n % 2 === 0,
      ownerId: n % 3 ? (pick(user, n).id ?? null) : null,
      teamId: n % 4 ? null : pick(team, n).id,
      sortName: pick(['', 'a', 'a', 'ä', 'z~'], n),
      searchText: ` ${pick(['ada', 'zoe angstrom', '100%', 'a_b'], n)} 49301${n}`,
      createdAt: at(n),
      deletedAt: n % 10 === 9 ? at(n) : null,
      leadScore: n % 2 ? -2_147_483_648 : 2_147_483_647,
      leadGrade: pick(['COLD', 'QUALIFIED'] as const, n),
    }));
    await db.customer.createMany({ data: customer.map(({ notes: _, ...row }) => row) });
    await db.customerTag.createMany({
      data: customer.flatMap(({ id: customerId }, n) =>
        tag.slice(n % 5).map(({ id: tagId }) => ({ workspaceId, customerId, tagId })),
      ),
    });
    const session = base(2).map((row, n) => ({
      ...row,
      serviceId: (service[4] as { id: string }).id,
      staffMemberId: n ? null : (staffMember[4] as { id: string }).id,
      startsAt: new Date(Date.UTC(2027, 0, n + 1)),
      endsAt: new Date(Date.UTC(2027, 0, n + 1, 1)),
      capacity: 1_000,
    }));
    await db.classSession.createMany({ data: session });
    const booking = base(80).map((row, n) => {
      const inClass = n % 8 === 0 ? pick(session, n / 8) : null;
      const startsAt =
        inClass?.startsAt ?? new Date(Date.UTC(2026, 0, 1 + Math.floor(n / 4), 10, 0, 0, n % 3));
      const endsAt = inClass?.endsAt ?? new Date(startsAt.getTime() + 60_000);
      return {
        ...row,
        reference: `R"${n}`,
        externalId: n % 3 ? null : `b${n}`,
        customerId: pick(customer, n % 3 === 0 ? 0 : n).id,
        serviceId: inClass ? inClass.serviceId : pick(service, n % 4).id,
        staffMemberId: inClass ? inClass.staffMemberId : n % 2 ? null : pick(staffMember, n % 4).id,
        resourceId: null,
        sessionId: inClass?.id ?? null,
        status: inClass
          ? ('CANCELLED' as const)
          : n % 2
            ? pick(['PENDING', 'CONFIRMED'] as const, n)
            : pick(['CANCELLED', 'NO_SHOW'] as const, 0),
        startsAt,
        endsAt,
        blockedFrom: startsAt,
        blockedUntil: endsAt,
        timeZone: 'Europe/Berlin',
        priceMinor: pick(amounts, n),
        currency: pick(currencies, n),
        notes: n % 2 ? null : pick(hardTexts, n),
        createdAt: at(n % 30),
        cancelReason: n % 3 ? null : pick(hardTexts, n + 1),
        cancelledAt: n % 3 ? null : at(n % 30),
      };
    });
    await db.booking.createMany({ data: booking });
    const payment = base(40).map((row, n) => ({
      ...row,
      customerId: pick(booking, n % 10).customerId,
      bookingId: n % 3 ? pick(booking, n % 10).id : null,
      amountMinor: pick([0n, 5n, 2n ** 40n], n),
      refundedMinor: n % 4 ? 0n : pick([0n, 5n, 1n], n),
      currency: pick(currencies, n),
      method: pick(['CASH', 'WALLET'] as const, n),
      gateway: n % 2 ? null : 'stripe',
      transactionId: n % 2 ? null : `t${n}`,
      status: 'SUCCEEDED' as const,
      paidAt: at(n % 12),
    }));
    await db.payment.createMany({ data: payment });
    const bulkOperation = base(7).map((row, n) => ({
      ...row,
      kind: 'IMPORT' as const,
      status: pick(['QUEUED', 'RUNNING', 'COMPLETED', 'CANCELLED', 'FAILED'] as const, n),
      name: pick(hardTexts, n) || 'a.csv',
      mapping: { a: { 2: 1, 1: 2 } },
      rowsDone: 2 ** 31 - 1 - n,
      rowsRefused: n % 3,
      bytesDone: n % 2 ? 2n ** 60n : 7n,
      bytesTotal: 2n ** 60n + 1n,
      error: n % 5 === 4 ? pick(hardTexts, n) : null,
      actorKind: 'SYSTEM' as const,
      createdAt: at(n % 5),
    }));
    await db.bulkOperation.createMany({ data: bulkOperation });
    const event = base(60).map((row, n) => {
      const of = pick(booking, n % 20);
      const kind = pick(
        [
          {
            type: 'booking.created',
            subjectType: 'Booking',
            subjectId: of.id,
            data: { serviceName: pick(hardTexts, n), big: 2 ** 63, a: { 2: 1, 1: 2, b: null } },
          },
          {
            type: 'customer.updated',
            subjectType: 'Customer',
            subjectId: of.customerId,
            data: { fields: ['vip', pick(hardTexts, n)] },
          },
          {
            type: 'tag.added',
            subjectType: 'Tag',
            subjectId: (tag[0] as { id: string }).id,
            data: { tagName: pick(hardTexts, n), tagId: 'x' },
          },
          {
            type: 'payment.recorded',
            subjectType: 'Payment',
            subjectId: (payment[0] as { id: string }).id,
            data: {},
          },
        ] as const,
        n,
      );
      return {
        ...row,
        ...kind,
        data: kind.data as object,
        position: BigInt(n + 1),
        version: 1,
        occurredAt: at(n % 30),
        recordedAt: at(n % 9),
        actorKind: pick(['USER', 'API_KEY', 'CUSTOMER', 'SYSTEM'] as const, n),
        actorId: n % 4 === 3 ? null : (user[0] as { id: string }).id,
        origin: 'LIVE' as const,
        customerId: n % 7 === 6 ? null : of.customerId,
      };
    });
    await db.event.createMany({ data: event });
    const rows = {
      user,
      team,
      apiKey,
      staffMember,
      resource,
      service,
      tag,
      customer,
      session,
      booking,
      payment,
      event,
      bulkOperation,
    };
    remember('User', user);
    remember('Team', team);
    remember('ApiKey', apiKey);
    remember('StaffMember', staffMember);
    remember('Resource', resource);
    remember('Service', service);
    remember('Tag', tag);
    remember('Customer', customer);
    remember('ClassSession', session);
    remember('Booking', booking);
    remember('Payment', payment);
    remember('Activity', event);
    remember('BulkOperation', bulkOperation);
    return { ...shop, rows };
  }

  const ours = await fill();
  await fill();
  for (const [type, known] of Object.entries(ids)) known.push(encodeId(type as 'User', newId()));
  const { user = [], team = [], staffMember = [], customer = [] } = ours.rows;
  const admin = await ours.asUser('ADMIN');
  const someone = user[1]?.id as string;
  const viewers: Record<string, Context> = {
    admin,
    viewer: await ours.asUser('VIEWER'),
    marketing: await ours.asUser('MARKETING'),
    sales: await ours.asUser('SALES', { principals: [someone, team[0]?.id as string] }),
    staff: await ours.asUser('STAFF', { principals: [someone, staffMember[1]?.id as string] }),
    nobodys: await ours.asUser('STAFF'),
    key: await ours.asKey('ADMIN', 'customers.read', 'bookings.read', 'activities.read'),
    customer: ours.asCustomer(customer[0]?.id as string),
    system: ours.asSystem(),
    anonymous: ours.asAnonymous(),
  };
  return { admin, viewers, ids, texts: hardTexts.slice(0, 12), times: hardTimes };
}
