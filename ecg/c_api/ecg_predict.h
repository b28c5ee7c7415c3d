/* ecg_predict.h
 *
 * The C interface of a trained model that reads ECGs, for every language that can call C.
 *
 *   ecg_predictor* predictor = NULL;
 *   ecg_reading* reading = NULL;
 *   char* message = NULL;
 *   if (ecg_predictor_load("runs/resnet18_all/1", NULL, &predictor, &message) == ECG_OK &&
 *       ecg_predict_file(predictor, "patient.xml", NULL, &reading, &message) == ECG_OK) {
 *     puts(ecg_reading_json(reading));
 *   } else {
 *     fprintf(stderr, "%s\n", message);
 *   }
 *   ecg_string_free(message);
 *   ecg_reading_free(reading);
 *   ecg_predictor_free(predictor);
 *
 * Ownership. What a function writes through `predictor`, `reading` and `message` belongs to the caller, who frees it
 * with ecg_predictor_free, ecg_reading_free and ecg_string_free; each takes NULL. A pointer that a function returns
 * belongs to the object that it was asked of, and lives as long. What is passed in is not kept.
 *
 * Errors. A function that can fail returns a code. Unless it is ECG_OK, `*message` is one line in UTF-8: what was read,
 * what was expected, what was found; the other outputs are NULL. `message` may be NULL. No exception leaves a function.
 *
 * Threads. A predictor may be used by any number of threads at the same time; only ecg_predictor_free must come last. A
 * reading does not change, and does not need its predictor. There is no global state.
 *
 * None of this is a medical device: it is for research only, not for diagnosis or treatment.
 */

#ifndef ECG_C_API_ECG_PREDICT_H_
#define ECG_C_API_ECG_PREDICT_H_

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ECG_PREDICT_API is the version of this interface. It grows with every change that breaks a program built before. */
#define ECG_PREDICT_API 1

/* ecg_predict_api returns the ECG_PREDICT_API that the library was built with. Compare it with your header's. */
int ecg_predict_api(void);

/* ecg_version returns the version of the library, such as "0.1.0". */
const char* ecg_version(void);

/* ecg_code says why a function failed. The numbers are those of gRPC; others of gRPC's may come. */
typedef enum ecg_code {
  ECG_OK = 0,
  ECG_INVALID_ARGUMENT = 3,    /* the argument or the recording is not what the model reads: leads, length, unit */
  ECG_NOT_FOUND = 5,           /* there is no such file or run */
  ECG_RESOURCE_EXHAUSTED = 8,  /* no memory */
  ECG_FAILED_PRECONDITION = 9, /* the run cannot be used: it has parts of its own, or its device is missing */
  ECG_OUT_OF_RANGE = 11,       /* a value in the file is beyond what is possible */
  ECG_UNIMPLEMENTED = 12,      /* the file is of no format, or uses a part of it, that can be read */
  ECG_INTERNAL = 13,           /* a fault of the library */
  ECG_UNAVAILABLE = 14,        /* the file cannot be opened now */
  ECG_DATA_LOSS = 15           /* the file is damaged, or samples are missing */
} ecg_code;

/* ecg_predictor is a trained model, and ecg_reading what it says of one recording. */
typedef struct ecg_predictor ecg_predictor;
typedef struct ecg_reading ecg_reading;

/* ecg_predictor_load opens the run in the folder `run`, which must have no parts of its own. `device` is "cpu", "cuda"
 * or "cuda:N"; NULL is the CPU. A predictor has the size of the weights; a prediction needs some 100 MB beside it. */
ecg_code ecg_predictor_load(const char* run, const char* device, ecg_predictor** predictor, char** message);
void ecg_predictor_free(ecg_predictor* predictor);

/* ecg_predictor_classes returns the number of classes. */
size_t ecg_predictor_classes(const ecg_predictor* predictor);

/* ecg_predictor_class_name returns the name of class `number`, counted from 0: an SCP-ECG statement, such as "AFIB".
 * It is NULL beyond the last. The probabilities of a reading have the same order. */
const char* ecg_predictor_class_name(const ecg_predictor* predictor, size_t number);

/* ecg_predictor_json describes the model as a JSON object: name, classes, leads, sampling_frequency_hz, window_seconds,
 * whether it was trained on synthetic records, and that it is no medical device. */
const char* ecg_predictor_json(const ecg_predictor* predictor);

/* ecg_table is what a table of numbers does not say of itself. Files of other formats know it. */
typedef struct ecg_table {
  const char* leads; /* the columns, separated by commas; NULL where the table has a header */
  const char* unit;  /* "mV", "uV", "V" or "nV"; NULL where the table says it */
  double rate_hz;    /* samples a second; 0 where the table says it */
} ecg_table;

/* ecg_predict_file reads a file of any format that ecg reads, told by its content, and predicts. `table` may be NULL.
 */
ecg_code ecg_predict_file(const ecg_predictor* predictor, const char* path, const ecg_table* table,
                          ecg_reading** reading, char** message);

/* ecg_predict_bytes does the same with the content of a file, `size` bytes. `name` stands in the reading; it may be
 * NULL. Formats of several files, such as WFDB, cannot be read this way. */
ecg_code ecg_predict_bytes(const ecg_predictor* predictor, const void* bytes, size_t size, const char* name,
                           const ecg_table* table, ecg_reading** reading, char** message);

/* ecg_samples is a recording in memory. I, II and V1 to V6 are needed; the other limb leads are derived where they are
 * not there. Any order, rate and spelling does; nothing is guessed. */
typedef struct ecg_samples {
  const float* values;           /* [leads, samples]: the first lead's samples, then the second's; NaN is missing */
  size_t leads, samples;         /* samples are those of each lead */
  const char* const* lead_names; /* one for each lead: "I", "aVR", "V1" */
  const char* unit;              /* that of the values: "mV", "uV", "V" or "nV" */
  double rate_hz;                /* samples a second of each lead */
} ecg_samples;

/* ecg_predict_samples predicts a recording in memory. */
ecg_code ecg_predict_samples(const ecg_predictor* predictor, const ecg_samples* samples, ecg_reading** reading,
                             char** message);

/* ecg_reading_probabilities returns the probability of each class, ecg_predictor_classes of them. */
const float* ecg_reading_probabilities(const ecg_reading* reading);

/* ecg_reading_json returns the reading as a JSON object, as `predict --format=jsonl` writes it: statements with
 * description, probability, calibrated probability and threshold, the most probable first, the warnings, and how unlike
 * the training records the recording is, where the run knows. */
const char* ecg_reading_json(const ecg_reading* reading);

void ecg_reading_free(ecg_reading* reading);

/* ecg_string_free frees a message. */
void ecg_string_free(char* message);

#ifdef __cplusplus
}
#endif

#endif /* ECG_C_API_ECG_PREDICT_H_ */
