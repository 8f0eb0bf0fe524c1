#include "core/standing.h"
