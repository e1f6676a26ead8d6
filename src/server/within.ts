/** What the work answers, or what `late` says when it takes longer. The work itself goes on: nobody waits for it. */
export function within<Result>(ms: number, work: Promise<Result>, late: () => Result): Promise<Result> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      try {
        resolve(late());
      } catch (error) {
        reject(error);
      }
    }, ms);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
