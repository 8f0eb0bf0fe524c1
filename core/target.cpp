#include "core/target.h"
