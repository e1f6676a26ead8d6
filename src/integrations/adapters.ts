import { activecampaign } from './activecampaign/activecampaign.ts';
import type { AnyAdapter } from './adapter.ts';
import { badgemaker } from './badgemaker/badgemaker.ts';
import { hubspot } from './hubspot/hubspot.ts';

/** Every outside system that can be connected. A further one is a folder and a line here. */
export const adapters: readonly AnyAdapter[] = [activecampaign, badgemaker, hubspot];

/** The adapter with this key. */
export const adapterOf = (key: string): AnyAdapter | undefined => adapters.find((one) => one.key === key);
