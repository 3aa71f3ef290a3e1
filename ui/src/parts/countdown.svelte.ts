/// Seconds that run down between one snapshot and the next. Nothing ticks while there is nothing to count.

export class Countdown {
  #left: number | null = $state(null);

  constructor(given: () => number | null) {
    $effect(() => {
      const start = given();
      this.#left = start;
      if (start === null) return;
      const begun = performance.now();
      const timer = setInterval(() => {
        this.#left = Math.max(0, start - Math.round((performance.now() - begun) / 1000));
        if (this.#left === 0) clearInterval(timer);
      }, 1000);
      return () => clearInterval(timer);
    });
  }

  get left(): number | null {
    return this.#left;
  }
}
