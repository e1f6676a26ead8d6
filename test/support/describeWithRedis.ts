import { describe, inject } from 'vitest';

/** A suite that needs Redis, at `inject('redisUrl')`. Without one it is named as skipped. */
export const describeWithRedis = inject('redisUrl') ? describe : describe.skip;

/** A suite that starts Redis servers of its own with `startRedis`, to kill them. Without redis-server it is skipped. */
export const describeWithOwnRedis = inject('hasRedisServer') ? describe : describe.skip;
