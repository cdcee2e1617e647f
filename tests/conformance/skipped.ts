/** Cases that are not expected to pass, each with its reason. One that passes after all fails the command. */
export const SKIPPED_CASES: Readonly<Record<string, string>> = {}

/** Operators that are not supported, each with its reason: cases that hold one are skipped. */
export const SKIPPED_OPERATORS: Readonly<Record<string, string>> = {}
