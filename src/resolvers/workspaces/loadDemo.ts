import type { Context } from '../../core/context.ts';

/** Fills the context's workspace with demo data, through the verbs alone. Runs once, on the first start. */
export async function loadDemo(_ctx: Context): Promise<void> {}
