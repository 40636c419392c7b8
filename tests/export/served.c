/* Answer requests to a SavedModel with nothing but the C API of TensorFlow, as a server does.

   served [-l KERNELS]... [-i INPUT]... [-o OUTPUT]... FOLDER

   KERNELS is a library of operations to load, INPUT and OUTPUT are tensors of the graph such as
   "serving_default_text:0". The program reads requests from standard input until it ends, and
   writes the answer to each before it reads the next. A request is a tensor for each -i in their
   order, an answer is a tensor for each -o. A tensor is, in the byte order of the machine:

       int32 type     a TF_DataType
       int32 rank
       int64 sizes[rank]
       the values; of strings, each is an int64 length and so many bytes

   Any error is one line on standard error and a status of 1, and ends the program: what it still
   holds then goes back with the process. */

#define _POSIX_C_SOURCE 200809L

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tensorflow/c/c_api.h"

#define MOST_AXES 8

typedef struct {
  int count;
  const char **names;
} Names;

typedef struct {
  int count;
  TF_Output *ports;
  TF_Tensor **values;
} Tensors;

typedef struct {
  TF_Graph *graph;
  TF_Session *session;
  TF_Status *status;
  Tensors inputs, outputs;
} Model;

static void die(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("served: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  _exit(1); /* not exit(): threads of TensorFlow may still use what that takes down */
}

static void check(const TF_Status *status, const char *what) {
  if (TF_GetCode(status) != TF_OK) die("%s: %s", what, TF_Message(status));
}

static void *allocate(size_t count, size_t size) {
  void *memory = calloc(count ? count : 1, size);
  if (!memory) die("no memory for %zu times %zu bytes", count, size);
  return memory;
}

/* ---- tensors on standard input and output ---- */

static void read_bytes(void *into, size_t size) {
  if (size && fread(into, 1, size, stdin) != size) die("standard input ends within a request");
}

static void write_bytes(FILE *file, const void *from, size_t size) {
  if (size && fwrite(from, 1, size, file) != size) die("standard output takes no more");
}

static size_t read_size(void) {
  int64_t size;
  read_bytes(&size, sizeof size);
  if (size < 0) die("a size is not negative, but %lld came", (long long)size);
  return (size_t)size;
}

static void read_strings(TF_TString *strings, size_t count) {
  for (size_t i = 0; i < count; i++) {
    size_t size = read_size();
    char *bytes = allocate(size, 1);
    read_bytes(bytes, size);
    TF_StringInit(&strings[i]);
    TF_StringCopy(&strings[i], bytes, size);
    free(bytes);
  }
}

static TF_Tensor *read_tensor(void) {
  int32_t head[2]; /* type, rank */
  int64_t sizes[MOST_AXES];
  size_t count = 1;
  read_bytes(head, sizeof head);
  if (head[1] < 0 || head[1] > MOST_AXES) die("a tensor of %d axes came", head[1]);
  for (int axis = 0; axis < head[1]; axis++) {
    sizes[axis] = (int64_t)read_size();
    count *= (size_t)sizes[axis];
  }
  TF_DataType type = (TF_DataType)head[0];
  size_t size = type == TF_STRING ? sizeof(TF_TString) : TF_DataTypeSize(type);
  if (!size) die("values of the type %d have no size", type);
  TF_Tensor *tensor = TF_AllocateTensor(type, sizes, head[1], count * size);
  if (!tensor) die("no memory for a tensor of %zu values", count);
  if (type == TF_STRING)
    read_strings(TF_TensorData(tensor), count);
  else
    read_bytes(TF_TensorData(tensor), count * size);
  return tensor;
}

static void write_strings(FILE *file, const TF_TString *strings, size_t count) {
  for (size_t i = 0; i < count; i++) {
    int64_t size = (int64_t)TF_StringGetSize(&strings[i]);
    write_bytes(file, &size, sizeof size);
    write_bytes(file, TF_StringGetDataPointer(&strings[i]), (size_t)size);
  }
}

static void write_tensor(FILE *file, const TF_Tensor *tensor) {
  int32_t head[2] = {(int32_t)TF_TensorType(tensor), TF_NumDims(tensor)};
  if (head[0] != TF_STRING && !TF_DataTypeSize((TF_DataType)head[0]))
    die("values of the type %d cannot be written", head[0]);
  write_bytes(file, head, sizeof head);
  for (int axis = 0; axis < head[1]; axis++) {
    int64_t size = TF_Dim(tensor, axis);
    write_bytes(file, &size, sizeof size);
  }
  if (head[0] == TF_STRING)
    write_strings(file, TF_TensorData(tensor), (size_t)TF_TensorElementCount(tensor));
  else
    write_bytes(file, TF_TensorData(tensor), TF_TensorByteSize(tensor));
}

/* ---- the model ---- */

static void load_kernels(const Names *paths, TF_Library **libraries, TF_Status *status) {
  for (int i = 0; i < paths->count; i++) {
    libraries[i] = TF_LoadLibrary(paths->names[i], status);
    check(status, paths->names[i]);
  }
}

static TF_Session *load_session(const char *folder, TF_Graph *graph, TF_Status *status) {
  const char *tags[] = {"serve"};
  TF_SessionOptions *options = TF_NewSessionOptions();
  TF_Session *session =
      TF_LoadSessionFromSavedModel(options, NULL, folder, tags, 1, graph, NULL, status);
  TF_DeleteSessionOptions(options);
  check(status, folder);
  return session;
}

static TF_Output find_port(TF_Graph *graph, const char *name) {
  const char *colon = strrchr(name, ':');
  if (!colon) die("expected a name such as operation:0, received %s", name);
  char *operation = allocate((size_t)(colon - name) + 1, 1);
  memcpy(operation, name, (size_t)(colon - name));
  TF_Output port = {TF_GraphOperationByName(graph, operation), atoi(colon + 1)};
  if (!port.oper) die("the graph has no operation %s", operation);
  if (port.index < 0 || port.index >= TF_OperationNumOutputs(port.oper))
    die("the operation %s has no output %s", operation, colon + 1);
  free(operation);
  return port;
}

static Tensors find_tensors(TF_Graph *graph, const Names *names) {
  Tensors found = {names->count, allocate((size_t)names->count, sizeof(TF_Output)),
                   allocate((size_t)names->count, sizeof(TF_Tensor *))};
  for (int i = 0; i < names->count; i++) found.ports[i] = find_port(graph, names->names[i]);
  return found;
}

static void free_tensors(Tensors *tensors) {
  free(tensors->ports);
  free(tensors->values);
}

static void delete_values(Tensors *tensors) {
  for (int i = 0; i < tensors->count; i++) TF_DeleteTensor(tensors->values[i]);
}

static void answer(Model *model, FILE *file) {
  Tensors *in = &model->inputs, *out = &model->outputs;
  for (int i = 0; i < in->count; i++) in->values[i] = read_tensor();
  TF_SessionRun(model->session, NULL, in->ports, in->values, in->count, out->ports, out->values,
                out->count, NULL, 0, NULL, model->status);
  check(model->status, "run");
  for (int i = 0; i < out->count; i++) write_tensor(file, out->values[i]);
  delete_values(in); /* with their strings */
  delete_values(out);
  if (fflush(file)) die("standard output takes no more");
}

static int more_requests(void) {
  int byte = getc(stdin);
  return byte != EOF && ungetc(byte, stdin) != EOF;
}

static void serve(const char *folder, const Names *inputs, const Names *outputs, FILE *file) {
  Model model = {.graph = TF_NewGraph(), .status = TF_NewStatus()};
  model.session = load_session(folder, model.graph, model.status);
  model.inputs = find_tensors(model.graph, inputs);
  model.outputs = find_tensors(model.graph, outputs);
  while (more_requests()) answer(&model, file);
  TF_CloseSession(model.session, model.status);
  TF_DeleteSession(model.session, model.status);
  check(model.status, "close");
  TF_DeleteGraph(model.graph);
  TF_DeleteStatus(model.status);
  free_tensors(&model.inputs);
  free_tensors(&model.outputs);
}

/* ---- the command line ---- */

/* Standard output for the answers alone: what an operation prints goes to standard error. */
static FILE *take_standard_output(void) {
  int answers = dup(STDOUT_FILENO);
  FILE *file = answers < 0 ? NULL : fdopen(answers, "wb");
  if (!file || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) die("standard output cannot be taken");
  return file;
}

static Names no_names(int most) {
  return (Names){0, allocate((size_t)most, sizeof(char *))};
}

int main(int count, char **words) {
  Names kernels = no_names(count), inputs = no_names(count), outputs = no_names(count);
  for (int option; (option = getopt(count, words, "l:i:o:")) != -1;) {
    Names *names = option == 'l' ? &kernels : option == 'i' ? &inputs : &outputs;
    if (option == '?') return 1;
    names->names[names->count++] = optarg;
  }
  if (optind != count - 1) die("expected one folder, received %d", count - optind);

  FILE *file = take_standard_output();
  TF_Status *status = TF_NewStatus();
  TF_Library **libraries = allocate((size_t)kernels.count, sizeof(TF_Library *));
  load_kernels(&kernels, libraries, status);
  serve(words[optind], &inputs, &outputs, file);

  for (int i = 0; i < kernels.count; i++) TF_DeleteLibraryHandle(libraries[i]);
  free(libraries);
  TF_DeleteStatus(status);
  free(kernels.names);
  free(inputs.names);
  free(outputs.names);
  if (fclose(file)) die("standard output takes no more");
  return 0;
}
