import { atHead, type FeedActivity } from '../api/feed.ts';
import type { Gateway } from '../api/gateway.ts';
import { graphql } from '../api/graphql.ts';
import { type Stream, stream } from '../api/live.ts';
import type { CustomerPageQuery } from '../generated/graphql.ts';

export type CustomerProfile = NonNullable<CustomerPageQuery['customer']>;
type TimelineItem = Omit<FeedActivity, 'customer'> & { missed: boolean; fresh: boolean };
export type CustomerTimeline = TimelineItem[];

interface Rights {
  insights: boolean;
  payments: boolean;
  tags: boolean;
}

const profile = graphql(`
  query CustomerPage($id: ID!, $insights: Boolean!, $payments: Boolean!, $tags: Boolean!) {
    customer(id: $id) {
      id fullName email phone companyName jobTitle createdAt deletedAt
      lifecycleStage @include(if: $insights)
      vip @include(if: $insights)
      doNotContact @include(if: $insights)
      leadScore @include(if: $insights) { score grade }
      tags @include(if: $tags) { id name }
      stats @include(if: $insights) {
        totalBookings completedBookings cancelledBookings noShowBookings lastBookingAt
        totalSpent @include(if: $payments) { amount currency }
      }
      bookings(first: 25) {
        nodes {
          id reference status startsAt endsAt timeZone updatedAt
          viewerCanConfirm viewerCanCancel viewerCanComplete viewerCanMarkNoShow viewerCanReschedule
          price { amount currency }
          service { name }
          staffMember { displayName }
          resource { name }
        }
      }
    }
  }
`);

const timeline = graphql(`
  query CustomerTimeline($id: ID!) {
    activities(customerId: $id, first: 50) {
      nodes { id type title occurredAt recordedAt origin data actor { kind } }
    }
  }
`);

const happens = graphql(`
  subscription CustomerHappens($id: ID, $after: String) {
    activityAdded(customerId: $id, after: $after) {
      cursor
      activity { id type title occurredAt recordedAt origin data actor { kind } }
    }
  }
`);

export async function readCustomer(
  gateway: Gateway,
  id: string,
  rights: Rights,
): Promise<CustomerProfile | null> {
  return (await gateway.ask(profile, { id, ...rights })).customer ?? null;
}

export const customerStreams = (id: string): Stream<CustomerProfile | null>[] => [
  stream(happens, { id }, 'readAgain'),
];

export async function readTimeline(gateway: Gateway, id: string): Promise<CustomerTimeline> {
  const { activities } = await gateway.ask(timeline, { id });
  return activities.nodes.map((node) => ({ ...node, missed: false, fresh: false }));
}

export const timelineStreams = (id: string): Stream<CustomerTimeline>[] => [
  stream(happens, { id }, atHead<TimelineItem>),
];
