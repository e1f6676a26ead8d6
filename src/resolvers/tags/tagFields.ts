import { z } from 'zod';
import { AlreadyExists, InvalidState } from '../../core/errors.ts';
import { uuidOf } from '../../core/ids.ts';
import { clearable, text } from '../../core/parse.ts';
import { fold } from '../customers/searchable.ts';

/** A tag's name, single-spaced. It never looks like the id of a tag, since `addTags` takes either. */
export const tagName = text(100)
  .transform((name) => name.replace(/\s+/g, ' '))
  .refine((name) => slugOf(name) !== '', 'Must have a letter, digit or sign.')
  .refine((name) => !uuidOf('Tag', name), 'Must not look like the id of a tag.');

/** What tags are told apart by: neither case nor accents. */
export function slugOf(name: string): string {
  return fold(name).trim();
}

export const tagFields = {
  name: tagName,
  color: clearable(
    z
      .string()
      .regex(/^#[0-9a-f]{6}$/i, 'Must be a colour such as #1e90ff.')
      .toLowerCase(),
  ),
  description: clearable(text(500)),
  exclusiveGroup: clearable(text(100)),
};

export const tagConstraints = {
  tag_workspace_id_slug_key: () =>
    new AlreadyExists('name', 'Another tag has this name; case and accents do not matter.'),
  customer_tag_one_of_group: () =>
    new InvalidState('Some customers wear two tags of this group: take one off them first.'),
};
