/** The numbers of the storage layer's RPC methods; 32 and above are for membership and the backends. */
export const methods = {
  /** Carries an operation to the owner of a key. */
  execute: 1,
  /** Puts records into the receiver's store. */
  store: 2,
  /** Asks for the records of some keys. */
  fetch: 3,
  /** Compares what two peers hold in a range. */
  compare: 4,
  /** Asks a key's owner whether it has what the sender holds. */
  offer: 5,
  /** Carries an operation to the owner of a key, from peer to peer. */
  forward: 6,
  /** Notification: an answer that the receiver may keep for gets that may be a moment old. */
  keep: 7,
} as const
