import { z } from 'zod';
import { AlreadyExists } from '../../core/errors.ts';
import { clearable, text } from '../../core/parse.ts';

export const role = z.enum(['ADMIN', 'MANAGER', 'MARKETING', 'SALES', 'STAFF', 'VIEWER']);

/** The fields that creating and updating a user share. */
export const userFields = {
  displayName: text(200),
  role,
  rowScope: z
    .enum(['ALL', 'TEAM', 'ASSIGNED'], 'Must be ALL, TEAM or ASSIGNED: OWN is for customers who sign in.')
    .nullish(),
  externalId: clearable(text(255)),
};

export const userConstraints = {
  user_workspace_id_email_key: () => new AlreadyExists('email', 'Another user has this e-mail address.'),
  user_workspace_id_external_id_key: () =>
    new AlreadyExists('externalId', 'Another user has this external id.'),
};
