export const grades = ['COLD', 'WARM', 'HOT', 'QUALIFIED'] as const;
export type Grade = (typeof grades)[number];

/** The scores from which a lead is warm, hot and qualified; each above the one before, none below 1. */
export interface Thresholds {
  warmFrom: number;
  hotFrom: number;
  qualifiedFrom: number;
}

/** The band of a score. A score below zero is as cold as one can be. */
export function gradeOf(score: number, { warmFrom, hotFrom, qualifiedFrom }: Thresholds): Grade {
  const clamped = Math.max(score, 0);
  if (clamped >= qualifiedFrom) return 'QUALIFIED';
  if (clamped >= hotFrom) return 'HOT';
  return clamped >= warmFrom ? 'WARM' : 'COLD';
}
