import type { ClassSession as Row } from '../core/database.ts';
import { bookingList } from './booking.ts';
import { builder } from './builder.ts';
import { computed, objectOf, related, relation } from './read.ts';

export const ClassSession = objectOf(
  'ClassSession',
  'ClassSession',
  builder.prismaNode('ClassSession', {
    id: {
      field: 'id',
      description: 'Sorts by the time of creation; the same in GraphQL, REST and webhooks.',
    },
    findUnique: (id, ctx) => ({ id, workspaceId: ctx.workspace.id }),
    nullable: true,
    description: 'One sitting of a class: the bookings of a service with several places that start together.',
    select: { id: true },
    fields: (t) => ({
      service: relation(t, 'Service', 'service', { nullable: false, description: 'The class.' }),
      staffMember: relation(t, 'StaffMember', 'staffMember', {
        nullable: true,
        description: 'Who gives it.',
      }),
      resource: relation(t, 'Resource', 'resource', { nullable: true, description: 'Where, or with what.' }),
      startsAt: t.expose('startsAt', { type: 'DateTime', description: 'When it begins.' }),
      endsAt: t.expose('endsAt', { type: 'DateTime', description: 'When it ends.' }),
      capacity: t.exposeInt('capacity', {
        description: "How many places it has: the service's capacity when the session was made.",
      }),
      taken: t.exposeInt('taken', { description: 'Places held by bookings that were not cancelled.' }),
      placesLeft: computed<Pick<Row, 'capacity' | 'taken'>>(
        t,
        'Int',
        ['capacity', 'taken'],
        { description: 'Places that can still be booked.' },
        ({ capacity, taken }) => capacity - taken,
      ),
      bookings: related(t, 'bookings', bookingList, 'Its bookings, cancelled ones too.'),
      createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When the first place was booked.' }),
    }),
  }),
);
