export interface Cache<Value> {
  get(key: string): Value | undefined;
  set(key: string, value: Value, weight?: number): void;
  delete(key: string): void;
}

/** A bounded map: what was used longest ago goes first, and nothing outlives its time. */
export function createCache<Value>(limits: { maxWeight: number; ttlMs?: number }): Cache<Value> {
  const ttlMs = limits.ttlMs ?? Number.POSITIVE_INFINITY;
  const entries = new Map<string, { value: Value; weight: number; until: number }>();
  let total = 0;

  function remove(key: string): void {
    total -= entries.get(key)?.weight ?? 0;
    entries.delete(key);
  }

  return {
    get(key) {
      const entry = entries.get(key);
      if (!entry) return undefined;
      remove(key);
      if (entry.until < performance.now()) return undefined;
      entries.set(key, entry);
      total += entry.weight;
      return entry.value;
    },
    set(key, value, weight = 1) {
      remove(key);
      if (weight > limits.maxWeight) return;
      entries.set(key, { value, weight, until: performance.now() + ttlMs });
      total += weight;
      for (const oldest of entries.keys()) {
        if (total <= limits.maxWeight) break;
        remove(oldest);
      }
    },
    delete: remove,
  };
}
