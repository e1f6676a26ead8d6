import type { Context } from '../../core/context.ts';
import type { Customer, CustomerProfile } from '../../core/database.ts';
import { encodeId, uuidOf } from '../../core/ids.ts';
import { decimalOf } from '../../core/money.ts';
import { phoneOf } from '../../core/phone.ts';
import type { Contacts, FieldType } from '../../integrations/capabilities.ts';
import { type LocalField, type LocalValues, localField } from '../../integrations/localFields.ts';
import type { SyncSettings } from '../../integrations/syncSettings.ts';
import type { OpenConnection } from '../connections/openConnection.ts';
import type { Agreed } from './contactLink.ts';

/** A customer as outside systems see them. */
export interface LocalSide {
  customer: Customer;
  values: LocalValues;
  /** Names, the one that was put on last at the end. */
  tags: string[];
  /** Ids of the segments that they are in, of those that are kept as tags or lists. */
  segmentIds: string[];
  /** May be known there at all. */
  wanted: boolean;
}

/** Every customer of these ids who is not deleted, in a few queries. */
export async function localSides(
  { db, workspace }: Pick<Context, 'db' | 'workspace'>,
  sync: SyncSettings,
  ids: readonly string[],
): Promise<Map<string, LocalSide>> {
  const rows = await db.customer.findMany({
    where: { workspaceId: workspace.id, id: { in: [...ids] }, deletedAt: null },
    include: {
      profile: true,
      tags: {
        include: { tag: { select: { name: true } } },
        orderBy: [{ taggedAt: 'asc' }, { tagId: 'asc' }],
      },
      spending: { where: { currency: workspace.currency } },
    },
  });
  const kept = [...sync.segmentTags, ...sync.segmentLists].flatMap(
    ({ segmentId }) => uuidOf('Segment', segmentId) ?? [],
  );
  const members =
    kept.length === 0
      ? []
      : await db.segmentMember.findMany({
          where: { workspaceId: workspace.id, segmentId: { in: kept }, customerId: { in: [...ids] } },
          select: { segmentId: true, customerId: true },
        });
  return new Map(
    rows.map((row) => {
      const { profile, tags, spending, ...customer } = row;
      const paid = decimalOf(spending[0]?.amountMinor ?? 0n, workspace.currency);
      const side: LocalSide = {
        customer,
        values: valuesOf(customer, profile, paid),
        tags: tags.map(({ tag }) => tag.name),
        segmentIds: members
          .filter(({ customerId }) => customerId === row.id)
          .map(({ segmentId }) => encodeId('Segment', segmentId)),
        wanted: mayGo(customer, profile, sync),
      };
      return [row.id, side];
    }),
  );
}

/** Contacts are told apart by e-mail address. Who came through a sign-up goes out only with their consent. */
function mayGo(customer: Customer, profile: CustomerProfile | null, { audience }: SyncSettings): boolean {
  if (!customer.email) return false;
  return customer.marketingConsent || (audience === 'EVERYONE' && !profile?.cameFromSignUp);
}

function valuesOf(customer: Customer, profile: CustomerProfile | null, totalSpent: string): LocalValues {
  const at = (time: Date | null) =>
    time && new Date(Math.floor(time.getTime() / 1_000) * 1_000).toISOString();
  const told = customer.marketingConsent ? profile : null;
  const { cancelledBookings, noShowBookings, totalBookings } = customer;
  return {
    email: customer.email,
    firstName: customer.firstName,
    lastName: customer.lastName,
    phone: customer.phone,
    companyName: customer.companyName,
    jobTitle: customer.jobTitle,
    website: customer.website,
    bornOn: customer.bornOn?.toISOString().slice(0, 10) ?? null,
    country: customer.country,
    timeZone: customer.timeZone,
    language: customer.language,
    referralSource: customer.referralSource,
    source: customer.source,
    status: customer.status,
    lifecycleStage: customer.lifecycleStage,
    vip: customer.vip,
    doNotContact: customer.doNotContact,
    marketingConsent: customer.marketingConsent,
    leadScore: customer.leadScore,
    leadGrade: customer.leadGrade,
    bookingCount: totalBookings - cancelledBookings - noShowBookings,
    totalSpent,
    lastBookingAt: at(customer.lastBookingAt),
    lastVisitAt: at(customer.lastVisitAt),
    dietary: told?.dietary ?? null,
    volunteering: told?.volunteering ?? null,
    facebook: told?.facebook ?? null,
    instagram: told?.instagram ?? null,
    linkedin: told?.linkedin ?? null,
    tiktok: told?.tiktok ?? null,
    twitter: told?.twitter ?? null,
    youtube: told?.youtube ?? null,
    badgeName: told?.badgeName ?? null,
    badgeImageUrl: told?.badgeImageUrl ?? null,
    emergencyContactName: told?.emergencyContactName ?? null,
    emergencyContactPhone: told?.emergencyContactPhone ?? null,
    lastEventName: told?.lastEventName ?? null,
  };
}

/** A field here and its field there, as the settings have it. */
export interface Mapped {
  local: LocalField;
  remote: string;
  type: FieldType;
  sends: boolean;
  takes: boolean;
  wins: 'FRONTDESK' | 'REMOTE';
}

/** Every pair of fields that is kept in step. */
export function mappedFields({ sync, adapter }: Pick<OpenConnection, 'sync' | 'adapter'>): Mapped[] {
  const contacts = adapter.can.contacts as Contacts<unknown>;
  const goes = (way: 'TO' | 'FROM', own: string) =>
    sync.enableContactSync && [own, sync.syncDirection].every((one) => one === 'BOTH' || one === way);
  const standard = Object.entries(contacts.standard).map(([local, remote]) => ({
    local: local as LocalField,
    remote,
    type: 'text' as const,
    sends: goes('TO', 'BOTH'),
    takes: goes('FROM', 'BOTH'),
    wins: sync.standardFieldsWin,
  }));
  const scores = ['leadScore', 'leadGrade'];
  const custom = sync.fieldMappings
    .filter(({ active, local }) => active && (sync.enableLeadScoring || !scores.includes(local)))
    .map(({ local, remote, type = 'text', direction, wins }) => ({
      ...{ local, remote, type, wins },
      sends: goes('TO', direction),
      takes: goes('FROM', direction) && localField(local).fromText !== undefined,
    }));
  return sync.syncCustomFields ? [...standard, ...custom] : standard;
}

/** A value of ours as it stands there. */
export function wireOf(contacts: Contacts<unknown>, { local, type }: Mapped, values: LocalValues): string {
  return contacts.write(type, values[local]).trim();
}

/** A value from there in the form in which ours would stand there, so that the two can be compared. */
export function comparable(
  contacts: Contacts<unknown>,
  { local, type }: Mapped,
  text: string,
  country: string,
): string {
  const plain = contacts.write(type, contacts.read(type, text)).trim();
  if (local === 'email') return plain.toLowerCase();
  if (local === 'phone') return plain && (phoneOf(plain, country) ?? plain);
  return plain;
}

/** The tags that a contact should have: of each group the one that was given last, those of their segments, and that of their score. */
export function wantedTags({ sync }: Pick<OpenConnection, 'sync'>, side: LocalSide): string[] {
  const own = sync.autoTagging ? side.tags : [];
  const lastOf = new Set(
    sync.tagGroups.flatMap((group) => own.filter((tag) => group.includes(tag)).slice(-1)),
  );
  const grouped = new Set(sync.tagGroups.flat());
  const score = sync.enableLeadScoring ? scoreTag(sync, side.customer.leadScore) : null;
  const segments = sync.segmentTags.filter(({ segmentId }) => side.segmentIds.includes(segmentId));
  return [
    ...new Set([
      ...own.filter((tag) => !grouped.has(tag) || lastOf.has(tag)),
      ...segments.map(({ tag }) => tag),
      ...(score ? [score] : []),
    ]),
  ];
}

/** Whether a tag is among these; their case is no matter. */
export const hasTag = (tags: readonly string[], tag: string) =>
  tags.some((one) => one.toLowerCase() === tag.toLowerCase());

/** The lists that are kept in step. */
export const keptLists = ({ sync }: Pick<OpenConnection, 'sync'>): string[] => [
  ...new Set([
    ...(sync.defaultListId ? [sync.defaultListId] : []),
    ...sync.segmentLists.map((one) => one.listId),
  ]),
];

/** The lists that a contact should be on: none without consent, and none that they left since they gave it. */
export function wantedLists(
  open: Pick<OpenConnection, 'sync'>,
  { customer, segmentIds }: LocalSide,
  { optedOut }: Pick<Agreed, 'optedOut'>,
): string[] {
  const { defaultListId, segmentLists } = open.sync;
  if (!customer.marketingConsent || customer.doNotContact) return [];
  const agreedAt = customer.marketingConsentAt?.toISOString() ?? '';
  const of = segmentLists.filter(({ segmentId }) => segmentIds.includes(segmentId));
  return keptLists(open).filter((id) => {
    const leftAt = optedOut[id];
    return (id === defaultListId || of.some(({ listId }) => listId === id)) && (!leftAt || agreedAt > leftAt);
  });
}

function scoreTag({ scoreTags }: SyncSettings, score: number): string | null {
  const reached = scoreTags.filter(({ from }) => score >= from).sort((a, b) => b.from - a.from);
  return reached[0]?.tag ?? null;
}

/** Tags of which a contact has one at most, if this is one of them. */
export function rivalsOf({ sync }: Pick<OpenConnection, 'sync'>, tag: string): string[] {
  const groups = [...sync.tagGroups, sync.scoreTags.map((one) => one.tag)];
  return groups.filter((group) => group.includes(tag)).flatMap((group) => group.filter((one) => one !== tag));
}
