import { type Settings as Row, settingsOf } from '../resolvers/settings/settingsOf.ts';
import { updateSettings } from '../resolvers/settings/updateSettings.ts';
import type { Thresholds } from '../scoring/grade.ts';
import { builder } from './builder.ts';
import { mutation } from './mutation.ts';
import { guarded } from './read.ts';

const LeadGrades = builder.objectRef<Thresholds>('LeadGrades').implement({
  description: 'The scores from which grades begin. Whatever is below is cold.',
  fields: (t) => ({
    warmFrom: t.exposeInt('warmFrom', { description: 'The lowest score of a warm lead.' }),
    hotFrom: t.exposeInt('hotFrom', { description: 'The lowest score of a hot lead.' }),
    qualifiedFrom: t.exposeInt('qualifiedFrom', { description: 'The lowest score of a qualified lead.' }),
  }),
});

const Settings = builder.objectRef<Row>('Settings').implement({
  description: 'How the business is set up.',
  fields: (t) => ({
    leadGrades: t.field({
      type: LeadGrades,
      description: 'From which score a lead is warm, hot or qualified.',
      resolve: ({ leadGrades }) => leadGrades,
    }),
  }),
});

builder.queryField('settings', (t) =>
  t.field({
    type: Settings,
    nullable: true,
    description: 'How the business is set up.',
    ...guarded('scoring.read', { shape: 'opaque' }),
    resolve: (_root, _args, ctx) => settingsOf(ctx),
  }),
);

const LeadGradesInput = builder.inputType('LeadGradesInput', {
  description: 'The scores from which grades begin, each higher than the one before. What is left out stays.',
  fields: (t) => ({
    warmFrom: t.int({ description: 'The lowest score of a warm lead, at least 1.' }),
    hotFrom: t.int({ description: 'The lowest score of a hot lead.' }),
    qualifiedFrom: t.int({ description: 'The lowest score of a qualified lead.' }),
  }),
});

mutation('updateSettings', {
  description:
    'Changes the settings that are sent. Grades follow the new bounds within moments, each with a leadScoreChanged.',
  input: (t) => ({
    leadGrades: t.field({ type: LeadGradesInput, description: 'From which score which grade begins.' }),
  }),
  payload: { field: 'settings', type: Settings, description: 'The settings as they are now.' },
  failures: [],
  run: updateSettings,
});
