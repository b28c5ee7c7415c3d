/* Reads an ECG with a trained model, in C: `bazel run //examples/embed:embed_c -- RUN FILE`. */

#include <stdio.h>

#include "ecg/c_api/ecg_predict.h"

int main(int argc, char** argv) {
  ecg_predictor* predictor = NULL;
  ecg_reading* reading = NULL;
  char* message = NULL;
  size_t k;
  if (argc != 3) return 2;
  if (ecg_predictor_load(argv[1], NULL, &predictor, &message) == ECG_OK &&
      ecg_predict_file(predictor, argv[2], NULL, &reading, &message) == ECG_OK) {
    for (k = 0; k < ecg_predictor_classes(predictor); ++k) {
      printf("%s %g\n", ecg_predictor_class_name(predictor, k), ecg_reading_probabilities(reading)[k]);
    }
  } else {
    fprintf(stderr, "%s\n", message);
  }
  const int status = reading == NULL;
  ecg_string_free(message);
  ecg_reading_free(reading);
  ecg_predictor_free(predictor);
  return status;
}
