/** One way to solve a problem, made ready: everything that a user would do once is done. */
export interface Contender {
  name: string
  run(): unknown
  /** Compares the last result with the oracle's; false is shown in the table, not hidden. */
  exact(): boolean | Promise<boolean>
  dispose?(): void
}
