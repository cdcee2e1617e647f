/** Oldest operator set that is read; the next one brought NumPy-style broadcasting. */
export const MIN_OPSET = 6

/** The operator set whose forms and semantics the IR follows; `upgrade` rewrites older forms into it. */
export const IR_OPSET = 21

/**
 * Newest operator set that is read. 22 to 24 widened the element types of the operators known here (bfloat16, 8-bit
 * and 4-bit floats), which leaves their meaning on the types of the IR as it was in 21.
 */
export const MAX_OPSET = 24
