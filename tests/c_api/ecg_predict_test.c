/* The C interface, called from C: ecg_predict_test RUN ecg.csv */

#include "ecg/c_api/ecg_predict.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures = 0;

static void expect(int condition, const char* what) {
  if (condition) return;
  ++failures;
  printf("FAILED: %s\n", what);
}

static void check_error(ecg_code found, ecg_code code, const void* result, char* message, const char* text) {
  expect(found == code, text);
  expect(result == NULL, "a call that fails should give NULL");
  expect(message != NULL && strstr(message, text) != NULL, message == NULL ? "there should be a message" : message);
  ecg_string_free(message);
}

/* Expects that `call` fails with `code`, a message that contains `text`, and no `result`. */
#define EXPECT_ERROR(call, code, result, text)                  \
  do {                                                          \
    const ecg_code found_code = (call);                         \
    check_error(found_code, (code), (result), message, (text)); \
  } while (0)

static char* read_file(const char* path, size_t* size) {
  FILE* const file = fopen(path, "rb");
  char* bytes;
  fseek(file, 0, SEEK_END);
  *size = (size_t)ftell(file);
  rewind(file);
  bytes = malloc(*size);
  *size = fread(bytes, 1, *size, file);
  fclose(file);
  return bytes;
}

typedef struct {
  const ecg_predictor* predictor;
  const char* path;
  float probability;
} job;

static void* predict_again_and_again(void* argument) {
  job* const mine = argument;
  int i;
  for (i = 0; i < 5; ++i) {
    ecg_reading* reading;
    if (ecg_predict_file(mine->predictor, mine->path, NULL, &reading, NULL) != ECG_OK) return NULL;
    mine->probability = ecg_reading_probabilities(reading)[0];
    ecg_reading_free(reading);
  }
  return NULL;
}

static void test_threads(const ecg_predictor* predictor, const char* path, float expected) {
  pthread_t threads[8];
  job jobs[8];
  int i;
  for (i = 0; i < 8; ++i) {
    jobs[i].predictor = predictor;
    jobs[i].path = path;
    jobs[i].probability = -1;
    pthread_create(&threads[i], NULL, predict_again_and_again, &jobs[i]);
  }
  for (i = 0; i < 8; ++i) {
    pthread_join(threads[i], NULL);
    expect(jobs[i].probability == expected, "each thread should get the same");
  }
}

static void test_samples(const ecg_predictor* predictor) {
  const char* names[] = {"V1", "V2", "V3", "V4", "V5", "V6", "I", "II"};
  float* const values = malloc(8 * 1000 * sizeof(float));
  ecg_samples samples = {NULL, 8, 1000, NULL, "uV", 100};
  ecg_reading* reading;
  char* message;
  int i;
  for (i = 0; i < 8 * 1000; ++i) values[i] = (float)(500 * sin(i * 0.07));
  samples.values = values;
  samples.lead_names = names;
  expect(ecg_predict_samples(predictor, &samples, &reading, &message) == ECG_OK, "samples should be read");
  expect(reading != NULL && strstr(ecg_reading_json(reading), "4 limb leads derived") != NULL,
         "the reading should say what was derived");
  ecg_reading_free(reading);

  samples.unit = "furlong";
  EXPECT_ERROR(ecg_predict_samples(predictor, &samples, &reading, &message), ECG_UNIMPLEMENTED, reading, "furlong");
  samples.unit = "mV";
  samples.rate_hz = 0;
  EXPECT_ERROR(ecg_predict_samples(predictor, &samples, &reading, &message), ECG_INVALID_ARGUMENT, reading,
               "rate_hz is 0");
  samples.rate_hz = 100;
  samples.leads = 7;
  EXPECT_ERROR(ecg_predict_samples(predictor, &samples, &reading, &message), ECG_INVALID_ARGUMENT, reading, "missing");
  samples.leads = 8;
  values[1500] = (float)NAN;
  EXPECT_ERROR(ecg_predict_samples(predictor, &samples, &reading, &message), ECG_DATA_LOSS, reading,
               "lead V2: 1 samples are missing");
  samples.values = NULL;
  EXPECT_ERROR(ecg_predict_samples(predictor, &samples, &reading, &message), ECG_INVALID_ARGUMENT, reading, "NULL");
  free(values);
}

static void test_errors(const ecg_predictor* predictor, const char* path) {
  ecg_predictor* none;
  ecg_reading* reading;
  char* message;
  EXPECT_ERROR(ecg_predictor_load("no/such/folder", NULL, &none, &message), ECG_NOT_FOUND, none, "no/such/folder");
  EXPECT_ERROR(ecg_predictor_load(NULL, NULL, &none, &message), ECG_INVALID_ARGUMENT, none, "NULL");
  EXPECT_ERROR(ecg_predict_file(predictor, "no_such.xml", NULL, &reading, &message), ECG_NOT_FOUND, reading,
               "no_such.xml");
  EXPECT_ERROR(ecg_predict_file(NULL, path, NULL, &reading, &message), ECG_INVALID_ARGUMENT, reading, "NULL");
  EXPECT_ERROR(ecg_predict_bytes(predictor, "\1\2\3", 3, NULL, NULL, &reading, &message), ECG_UNIMPLEMENTED, reading,
               "format");
  expect(ecg_predict_file(predictor, path, NULL, NULL, NULL) == ECG_INVALID_ARGUMENT, "a result needs a place");
  ecg_predictor_free(NULL);
  ecg_reading_free(NULL);
  ecg_string_free(NULL);
}

int main(int argc, char** argv) {
  ecg_predictor* predictor;
  ecg_reading *reading, *same;
  char* message;
  char* bytes;
  size_t size, i;
  if (argc != 3) return 2;
  expect(ecg_predict_api() == ECG_PREDICT_API, "header and library should fit");
  expect(strchr(ecg_version(), '.') != NULL, "there should be a version");
  if (ecg_predictor_load(argv[1], "cpu", &predictor, &message) != ECG_OK) {
    printf("FAILED: %s\n", message);
    return 1;
  }
  expect(ecg_predictor_classes(predictor) == 5, "there should be five classes");
  expect(strcmp(ecg_predictor_class_name(predictor, 3), "NORM") == 0, "class 3 should be NORM");
  expect(ecg_predictor_class_name(predictor, 5) == NULL, "there should be no class 5");
  expect(strstr(ecg_predictor_json(predictor), "\"synthetic\":true") != NULL, "the model is synthetic");
  expect(strstr(ecg_predictor_json(predictor), "Not a medical device") != NULL, "the model is no device");

  if (ecg_predict_file(predictor, argv[2], NULL, &reading, &message) != ECG_OK) {
    printf("FAILED: %s\n", message);
    return 1;
  }
  expect(message == NULL, "there should be no message");
  bytes = read_file(argv[2], &size);
  expect(ecg_predict_bytes(predictor, bytes, size, "a", NULL, &same, NULL) == ECG_OK, "the bytes should be read");
  for (i = 0; i < 5; ++i) {
    const float probability = ecg_reading_probabilities(reading)[i];
    expect(probability > 0 && probability < 1, "a probability should be one");
    expect(ecg_reading_probabilities(same)[i] == probability, "bytes and file should agree");
  }
  expect(strstr(ecg_reading_json(same), "\"recording\":\"a\"") != NULL, "the reading should have the name");
  test_errors(predictor, argv[2]);
  test_samples(predictor);
  test_threads(predictor, argv[2], ecg_reading_probabilities(reading)[0]);
  free(bytes);
  ecg_predictor_free(predictor);
  expect(ecg_reading_probabilities(reading)[0] > 0, "a reading should outlive its predictor");
  ecg_reading_free(same);
  ecg_reading_free(reading);
  puts(failures == 0 ? "passed" : "failed");
  return failures != 0;
}
