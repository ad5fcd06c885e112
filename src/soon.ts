/** What is known at once, or has to be waited for: who does something ten thousand times a second makes no promise for nothing. */
export type Soon<T> = T | Promise<T>

/** Goes on with a value, at once where it is known; what `next` throws is thrown then. Where it is not, the promise for the rest. */
export function whenKnown<T, U>(value: Soon<T>, next: (known: T) => Soon<U>): Soon<U> {
  return value instanceof Promise ? value.then(next) : next(value)
}
