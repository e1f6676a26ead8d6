import { AlreadyExists } from '../../core/errors.ts';
import { slotConstraints } from './slot.ts';

/** The database's refusals of a new booking, in the words of the input. */
export const bookingConstraints = {
  ...slotConstraints,
  booking_workspace_id_external_id_key: () =>
    new AlreadyExists('externalId', 'Another booking has this external id.'),
};
