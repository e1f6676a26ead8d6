import type { Gateway } from '../api/gateway.ts';
import { graphql } from '../api/graphql.ts';
import type { BookingStatus, ConfirmBookingMutation } from '../generated/graphql.ts';
import { absolute } from '../parts/time.ts';
import { toast } from './toast.ts';

const confirmBooking = graphql(`
  mutation ConfirmBooking($input: ConfirmBookingInput!) {
    confirmBooking(input: $input) {
      __typename
      ... on ConfirmBookingPayload {
        booking {
          id status startsAt endsAt updatedAt
          viewerCanConfirm viewerCanCancel viewerCanComplete viewerCanMarkNoShow viewerCanReschedule
        }
      }
      ... on Error { code message }
    }
  }
`);

const completeBooking = graphql(`
  mutation CompleteBooking($input: CompleteBookingInput!) {
    completeBooking(input: $input) {
      __typename
      ... on CompleteBookingPayload {
        booking {
          id status startsAt endsAt updatedAt
          viewerCanConfirm viewerCanCancel viewerCanComplete viewerCanMarkNoShow viewerCanReschedule
        }
      }
      ... on Error { code message }
    }
  }
`);

const markBookingNoShow = graphql(`
  mutation MarkBookingNoShow($input: MarkBookingNoShowInput!) {
    markBookingNoShow(input: $input) {
      __typename
      ... on MarkBookingNoShowPayload {
        booking {
          id status startsAt endsAt updatedAt
          viewerCanConfirm viewerCanCancel viewerCanComplete viewerCanMarkNoShow viewerCanReschedule
        }
      }
      ... on Error { code message }
    }
  }
`);

const cancelBooking = graphql(`
  mutation CancelBooking($input: CancelBookingInput!) {
    cancelBooking(input: $input) {
      __typename
      ... on CancelBookingPayload {
        booking {
          id status startsAt endsAt updatedAt
          viewerCanConfirm viewerCanCancel viewerCanComplete viewerCanMarkNoShow viewerCanReschedule
        }
      }
      ... on Error { code message }
      ... on InvalidInputError { issues { path message } }
    }
  }
`);

const rescheduleBooking = graphql(`
  mutation RescheduleBooking($input: RescheduleBookingInput!) {
    rescheduleBooking(input: $input) {
      __typename
      ... on RescheduleBookingPayload {
        booking {
          id status startsAt endsAt updatedAt
          viewerCanConfirm viewerCanCancel viewerCanComplete viewerCanMarkNoShow viewerCanReschedule
        }
      }
      ... on Error { code message }
      ... on InvalidInputError { issues { path message } }
    }
  }
`);

/** What an action changes about a booking, as the gateway answers it. */
export type BookingChange = Extract<
  ConfirmBookingMutation['confirmBooking'],
  { __typename: 'ConfirmBookingPayload' }
>['booking'];

export interface ActionableBooking extends BookingChange {
  reference: string;
  timeZone: string;
}

/** Shows a change of a booking wherever it is shown. */
export type Apply = (change: Partial<BookingChange> & { id: string }) => void;

/** Actions that need nothing but a press, by the status that they lead to. */
export const verbs = {
  CONFIRMED: {
    label: 'Confirm',
    done: 'Confirmed',
    can: ({ viewerCanConfirm }: BookingChange) => viewerCanConfirm,
    run: async (gateway: Gateway, id: string) => (await gateway.change(confirmBooking, { id })).booking,
  },
  COMPLETED: {
    label: 'Mark as completed',
    done: 'Completed',
    can: ({ viewerCanComplete }: BookingChange) => viewerCanComplete,
    run: async (gateway: Gateway, id: string) => (await gateway.change(completeBooking, { id })).booking,
  },
  NO_SHOW: {
    label: 'Mark as no-show',
    done: 'Marked as no-show:',
    can: ({ viewerCanMarkNoShow }: BookingChange) => viewerCanMarkNoShow,
    run: async (gateway: Gateway, id: string) => (await gateway.change(markBookingNoShow, { id })).booking,
  },
} as const;
export type VerbStatus = keyof typeof verbs;

const turns = new Map<string, Promise<unknown>>();

/** What is done to one booking is done in the order in which it was asked for. */
function inTurn<Result>(id: string, work: () => Promise<Result>): Promise<Result> {
  const mine = (turns.get(id) ?? Promise.resolve()).then(work, work);
  turns.set(id, mine);
  return mine;
}

/**
 * Shows the new status at once, and the old one again when it is refused. Undo is offered where a verb leads back to the
 * status that it had.
 */
export async function setStatus(
  gateway: Gateway,
  booking: ActionableBooking,
  to: VerbStatus,
  apply: Apply,
): Promise<void> {
  const { id, status: before, reference } = booking;
  apply({ id, status: to });
  try {
    const after = await inTurn(id, () => verbs[to].run(gateway, id));
    apply(after);
    const back = leadsTo(before) && verbs[before].can(after) ? before : null;
    const undo = back ? () => setStatus(gateway, { ...booking, ...after }, back, apply) : undefined;
    void toast({ message: `${verbs[to].done} ${reference}`, undo });
  } catch (problem) {
    apply({ id, status: before });
    throw problem;
  }
}

const leadsTo = (status: BookingStatus): status is VerbStatus => status in verbs;

/** There is no way back: the slot may be somebody else's a moment later. */
export async function cancel(
  gateway: Gateway,
  { id, reference }: ActionableBooking,
  reason: string,
  apply: Apply,
): Promise<void> {
  const { booking } = await gateway.change(cancelBooking, { id, reason: reason.trim() || null });
  apply(booking);
  void toast({ message: `Cancelled ${reference}` });
}

export async function move(
  gateway: Gateway,
  booking: ActionableBooking,
  startsAt: string,
  apply: Apply,
): Promise<void> {
  const { id, reference, timeZone } = booking;
  const answer = await gateway.change(rescheduleBooking, { id, startsAt });
  apply(answer.booking);
  const moved = { ...booking, ...answer.booking };
  void toast({
    message: `Moved ${reference} to ${absolute(startsAt, timeZone)}`,
    undo: () => move(gateway, moved, booking.startsAt, apply),
  });
}
