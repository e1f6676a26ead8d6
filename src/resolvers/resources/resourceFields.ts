import { z } from 'zod';
import { AlreadyExists } from '../../core/errors.ts';
import { text } from '../../core/parse.ts';

/** The fields that creating and updating a resource share. */
export const resourceFields = {
  name: text(200),
  kind: z.enum(['ROOM', 'CHAIR', 'EQUIPMENT']),
};

export const resourceConstraints = {
  resource_workspace_id_name_key: () => new AlreadyExists('name', 'Another resource has this name.'),
};
