/** wasm32 addresses 4 GiB; one page stays unused so that `pointer + length` never wraps. */
export const MAX_MEMORY_BYTES = 65535 * 65536

/** Default ceiling of one runtime's linear memory. */
export const DEFAULT_MAX_MEMORY_BYTES = 1024 * 1024 * 1024

/** Elements of one tensor: a byte length of eight times this still fits a float64 integer and a wasm32 memory check. */
export const MAX_TENSOR_ELEMENTS = 2 ** 30

/** ONNX puts no bound on rank; real models stay below 8, and loops over axes are bounded by this. */
export const MAX_RANK = 16

/** Nodes of a model that is run: planning compares the lifetimes of values in pairs. Real networks stay below 10,000. */
export const MAX_MODEL_NODES = 2 ** 14

/** Nodes that one file may expand to: layers inside layers that are used many times grow exponentially with the text. */
export const MAX_IMPORTED_NODES = 2 ** 15

/** Plans that a session keeps, one for each combination of input shapes: a few batch sizes, each some kilobytes. */
export const MAX_CACHED_PLANS = 8

/** Trips of all loops in one run: each costs some microseconds, and a condition may never become false. */
export const MAX_LOOP_TRIPS = 2 ** 16

/** Messages and strings in one protobuf file: an empty one costs 2 bytes there and about 100 in memory. */
export const MAX_PROTO_OBJECTS = 2 ** 21

/** Graphs inside attributes (If, Loop) inside graphs: real models nest two or three, recursion must end. */
export const MAX_GRAPH_DEPTH = 16

/** Depth of an int8 product: 65793 * 255 * 128 is the last sum that surely fits an int32, zero points included. */
export const MAX_INT8_DEPTH = 65793

/** Rounds of k-means: it settles within some hundreds, and one costs microseconds. */
export const MAX_KMEANS_ITERATIONS = 100_000

/** Default ceiling of what one compressed stream may expand to: a few bytes can legally declare a gigabyte. */
export const DEFAULT_MAX_DECODED_BYTES = 256 * 1024 * 1024

/** Numbers in an input that decides about a shape: two pads a dimension, or one size for each output of a Split. */
export const MAX_SHAPE_INPUT = 1024

/** Elements that constant folding makes in all: far above real constants, and at most 128 MB of int64. */
export const MAX_FOLDED_ELEMENTS = 2 ** 24

/** Kernel, stride, dilation and padding along one axis, and taps of one window: up to here f32 counts them exactly. */
export const MAX_WINDOW = 2 ** 24

/** Taps of a depthwise window that the kernel's table holds; larger ones run as grouped convolutions. */
export const MAX_DEPTHWISE_TAPS = 4095

/** safetensors allows 100 MB of header; real ones stay below 1 MB, and a header is parsed before anything is known. */
export const MAX_SAFETENSORS_HEADER_BYTES = 25_000_000

/** Nesting of JSON: a graph in an attribute adds six levels, and the parser's recursion must end. */
export const MAX_JSON_DEPTH = 6 * MAX_GRAPH_DEPTH + 32

/** Rows of a layer's input that calibration keeps sums of: beyond this, products of inputs hardly change. */
export const MAX_CALIBRATION_ROWS = 8192

/** Inputs of one output up to which their products are kept: a square of this many float64 takes 128 MiB. */
export const MAX_GRAM_COLUMNS = 4096

/** What a stored weight may take beyond its decoded size: centroids, scales and code tables. */
export const MAX_PACKING_BYTES = 2 ** 20

/** Runs of one profile: the times of all are kept. */
export const MAX_PROFILE_RUNS = 10_000

/** A context code takes time for each symbol, as few bytes as it may have; no weight worth storing has fewer bits. */
export const MAX_SYMBOLS_A_CONTEXT_BYTE = 256

/** Convolutions that one ConvTranspose is made of, one for each remainder of positions modulo the strides. */
export const MAX_PHASES = 1024
